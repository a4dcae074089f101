/** From the body that a spec declares to a template. Pure. */
import type { RequestShape } from "../../api/request.ts";
import type { BodyTemplate, ByteSource, PartTemplate } from "../../core/request-template.ts";

type DeclaredBody = NonNullable<RequestShape["body"]>;
type DeclaredPart = NonNullable<DeclaredBody["multipart"]>[number];

/** `field`: where it was written, such as `spec.body`. */
export function bodyTemplate(body: DeclaredBody, field: string): BodyTemplate {
  const { json, text, form, multipart } = body;
  if (text !== undefined) return { type: "text", field: `${field}.text`, text };
  if (form) {
    const fields = form.map(({ name, value }, index) => ({ name, field: `${field}.form[${index}].value`, text: value }));
    return { type: "form", fields };
  }
  if (multipart) {
    return { type: "multipart", parts: multipart.map((part, index) => partTemplate(part, `${field}.multipart[${index}]`)) };
  }
  const source = byteSource(body, field);
  return source ? { type: "bytes", source } : { type: "json", field: `${field}.json`, value: json };
}

function partTemplate(part: DeclaredPart, field: string): PartTemplate {
  const { name, filename, contentType, value = "" } = part;
  const source = byteSource(part, field);
  return {
    name,
    ...(filename !== undefined && { filename }),
    ...(contentType !== undefined && { contentType }),
    content: source ? { type: "bytes", source } : { type: "text", field: `${field}.value`, text: value },
  };
}

function byteSource(
  { base64, secretKeyRef, configMapKeyRef }: Pick<DeclaredPart, "base64" | "secretKeyRef" | "configMapKeyRef">,
  field: string,
): ByteSource | undefined {
  if (base64 !== undefined) return { type: "base64", field: `${field}.base64`, text: base64 };
  if (secretKeyRef) return { type: "secret", field: `${field}.secretKeyRef`, ...secretKeyRef };
  if (configMapKeyRef) return { type: "configMap", field: `${field}.configMapKeyRef`, ...configMapKeyRef };
  return undefined;
}
