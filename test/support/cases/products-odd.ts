/** Objects of products whose APIs speak forms, XML, wrappings and addresses of their own. */
import { both, life, one, secret, type Kept as Thing } from "../life.ts";
import type { Answer, RemoteCase } from "../remote-servers.ts";

const formOf = (text: string): Thing => Object.fromEntries(new URLSearchParams(text));

/** Stripe's: forms in, JSON out, POST for changes, a deletion after which it is shown as deleted. */
const stripe = life({
  name: "a customer who is sent as a form, and is shown as deleted afterwards",
  product: () => {
    let it: Thing | undefined;
    let isDeleted = false;
    return {
      kept: () => (isDeleted ? null : (it ?? null)),
      hand: () => (it = { ...it, name: "by hand" }),
      serve({ method, path, text, headers }) {
        const show = (): Answer => {
          const { "metadata[team]": team, balance, ...rest } = it ?? {};
          return {
            body: { id: "cus_1", object: "customer", ...rest, balance: Number(balance), metadata: { team }, livemode: false },
          };
        };
        if (headers.authorization !== "Bearer sk_test_123456") return { status: 401 };
        if (path === "/v1/customers" && method === "POST") {
          if (headers["idempotency-key"] === undefined) return { status: 400 };
          it = formOf(text);
          return show();
        }
        if (!it || path !== "/v1/customers/cus_1") return { status: 404, body: { error: { code: "resource_missing" } } };
        if (isDeleted) return method === "GET" ? { body: { id: "cus_1", object: "customer", deleted: true } } : { status: 404 };
        if (method === "DELETE") {
          isDeleted = true;
          return { body: { id: "cus_1", object: "customer", deleted: true } };
        }
        if (method === "POST") it = { ...it, ...formOf(text) };
        return show();
      },
    };
  },
  ...both((n) => {
    const form = [
      { name: "name", value: "Ada" },
      { name: "balance", value: `${n}` },
      { name: "metadata[team]", value: "ops" },
    ];
    return {
      "Secret/s": { key: "sk_test_123456" },
      "HTTPEndpoint/stripe": {
        baseURL: "$URL/v1",
        auth: { bearer: { token: secret("key") } },
        idempotencyKey: { header: "Idempotency-Key" },
      },
      "HTTPResource/it": {
        endpointRef: { name: "stripe" },
        externalID: ".object.id",
        observe: {
          path: "/customers/${ .externalID }",
          object: '.response.body | select(.deleted != true) | . + {"metadata[team]": .metadata.team}',
        },
        create: { path: "/customers", body: { form } },
        update: { path: "/customers/${ .externalID }", method: "POST", body: { form } },
        delete: { path: "/customers/${ .externalID }" },
        interval: "1s",
      },
    };
  }),
  history: [
    ...["Ada", "by hand", "Ada"].map((name) => ({ name, balance: "1", "metadata[team]": "ops" })),
    { name: "Ada", balance: "2", "metadata[team]": "ops" },
  ],
});

/** SCIM: PATCH by operations, a filter that looks up, a name that is unique, a password that nobody shows. */
const scim = life({
  name: "a user of SCIM who is there already, is found by a filter and patched by operations",
  product: one(
    ({ method, path, body, query }, it, set) => {
      const scimType = { "content-type": "application/scim+json" };
      const show = (t: Thing): Thing => ({
        schemas: ["urn:ietf:params:scim:schemas:core:2.0:User"],
        id: "2819c223",
        meta: { version: 'W/"1"' },
        ...t,
        password: undefined,
      });
      if (path === "/scim/v2/Users" && method === "GET") {
        const isFound = it && query.get("filter") === `userName eq "${String(it["userName"])}"`;
        return {
          headers: scimType,
          body: { totalResults: isFound ? 1 : 0, itemsPerPage: 20, startIndex: 1, ...(isFound && { Resources: [show(it)] }) },
        };
      }
      if (path === "/scim/v2/Users") return { status: 409, headers: scimType, body: { scimType: "uniqueness", status: "409" } };
      if (!it || path !== "/scim/v2/Users/2819c223") return { status: 404, headers: scimType, body: { status: "404" } };
      if (method === "GET") return { headers: scimType, body: show(it) };
      if (method === "PATCH") {
        let next = it;
        for (const { op, path: at, value } of body["Operations"] as { op: string; path?: string; value: unknown }[]) {
          if (op !== "replace") return { status: 400 };
          next = at === undefined ? { ...next, ...(value as Thing) } : { ...next, [at]: value };
        }
        set(next);
        return { headers: scimType, body: show(next) };
      }
      set(undefined);
      return { status: 204 };
    },
    (it) => ({ ...it, active: false }),
    { userName: "ada@x.org", active: true, title: "none" },
  ),
  ...both((n) => ({
    "Secret/s": { password: `password-number-${n}` },
    "HTTPResource/it": {
      inputs: { password: secret("password") },
      parameters: { userName: "ada@x.org", active: true, title: "engineer" },
      externalID: ".object.id",
      lookup: {
        url: "$URL/scim/v2/Users",
        query: [{ name: "filter", value: 'userName eq "${ .parameters.userName }"' }],
        items: ".response.body.Resources // []",
        match: ".item.userName == .parameters.userName",
      },
      observe: { url: "$URL/scim/v2/Users/${ .externalID }" },
      create: { url: "$URL/scim/v2/Users", body: { json: "${ .parameters + {password: .inputs.password} }" } },
      update: {
        url: "$URL/scim/v2/Users/${ .externalID }",
        method: "PATCH",
        idempotent: true,
        body: {
          json: {
            schemas: ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            Operations: [{ op: "replace", value: "${ .parameters + {password: .inputs.password} }" }],
          },
        },
        object: ".body.Operations[0].value",
      },
      delete: { url: "$URL/scim/v2/Users/${ .externalID }" },
      interval: "1s",
    },
  })),
  history: [
    ...[true, false, true].map((active) => ({ userName: "ada@x.org", active, title: "engineer", password: "password-number-1" })),
    { userName: "ada@x.org", active: true, title: "engineer", password: "password-number-2" },
  ],
});

/** OData: a key in parentheses, an ETag within the content, changes without an answer. */
const odata = life({
  name: "an entity of OData, with its key in parentheses and its ETag within the content",
  product: () => {
    let it: Thing | undefined;
    let version = 1;
    const etag = (): string => `W/"${version}"`;
    return {
      kept: () => it ?? null,
      hand: () => {
        it = { ...it, Price: 99 };
        version += 1;
      },
      serve({ method, path, body, headers }) {
        if (path === "/odata/Products" && method === "POST") {
          it = body;
          return {
            status: 201,
            headers: { location: "http://x/odata/Products(5)" },
            body: { "@odata.context": "x", "@odata.etag": etag(), ID: 5, ...it },
          };
        }
        if (!it || path !== "/odata/Products(5)") return { status: 404, body: { error: { code: "404" } } };
        if (method === "GET") return { body: { "@odata.context": "x", "@odata.etag": etag(), ID: 5, ...it } };
        if (headers["if-match"] !== etag()) return { status: headers["if-match"] === undefined ? 428 : 412 };
        it = method === "PATCH" ? { ...it, ...body } : undefined;
        version += 1;
        return { status: 204 };
      },
    };
  },
  ...both((n) => ({
    "HTTPResource/it": {
      parameters: { Name: "Bread", Price: n },
      externalID: ".response.body.ID",
      observe: { url: "$URL/odata/Products(${ .externalID })" },
      create: { url: "$URL/odata/Products", body: { json: "${ .parameters }" } },
      update: {
        url: "$URL/odata/Products(${ .externalID })",
        method: "PATCH",
        headers: [{ name: "If-Match", value: '${ .object["@odata.etag"] }' }],
        body: { json: "${ .parameters }" },
      },
      delete: {
        url: "$URL/odata/Products(${ .externalID })",
        headers: [{ name: "If-Match", value: '${ .object["@odata.etag"] }' }],
      },
      interval: "1s",
    },
  })),
  history: [1, 99, 1, 2].map((Price) => ({ Name: "Bread", Price })),
});

/** HAL: what it is is where it is. */
const hal = life({
  name: "an object whose id is the link to itself",
  product: one(
    ({ method, path, body, headers }, it, set) => {
      const self = `http://${headers.host}/api/orders/7?view=full`;
      const show = (t: Thing): Answer => ({
        headers: { "content-type": "application/hal+json" },
        body: { ...t, _links: { self: { href: self } }, _embedded: {} },
      });
      if (path === "/api/orders" && method === "POST") {
        set(body);
        return { ...show(body), status: 201 };
      }
      if (!it || path !== "/api/orders/7") return { status: 404 };
      if (method === "GET") return show(it);
      set(method === "PUT" ? body : undefined);
      return method === "PUT" ? show(body) : { status: 204 };
    },
    (it) => ({ ...it, total: 99 }),
  ),
  ...both((n) => ({
    "HTTPEndpoint/shop": { baseURL: "$URL/api" },
    "HTTPResource/it": {
      endpointRef: { name: "shop" },
      parameters: { total: n },
      externalID: ".response.body._links.self.href",
      observe: { path: "${ .externalID }" },
      create: { path: "/orders", body: { json: "${ .parameters }" } },
      update: { path: "${ .externalID }", body: { json: "${ .parameters }" } },
      delete: { path: "${ .externalID }" },
      interval: "1s",
    },
  })),
  history: [1, 99, 1, 2].map((total) => ({ total })),
});

/** A SOAP service: everything is a POST of XML, a fault is a 500. */
const soap = life({
  name: "an entry of a SOAP service, all of whose requests are XML by POST, and whose absence is a fault",
  isLook: (line) => line === "POST /soap",
  product: () => {
    let value: string | undefined;
    return {
      kept: () => value ?? null,
      hand: () => value !== undefined && (value = "by hand"),
      serve({ text, headers }) {
        const xml = { "content-type": "text/xml; charset=utf-8" };
        const envelope = (body: string): string =>
          `<?xml version="1.0"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>${body}</soap:Body></soap:Envelope>`;
        const sent = /<value>(.*?)<\/value>/.exec(text)?.[1];
        const fault = { status: 500, headers: xml, body: envelope("<soap:Fault><faultcode>NotFound</faultcode></soap:Fault>") };
        switch (String(headers["soapaction"])) {
          case '"Add"':
          case '"Set"':
            value = sent;
            return { headers: xml, body: envelope("<ok/>") };
          case '"Remove"':
            if (value === undefined) return fault;
            value = undefined;
            return { headers: xml, body: envelope("<ok/>") };
          default:
            return value === undefined ? fault : { headers: xml, body: envelope(`<entry><value>${value}</value></entry>`) };
        }
      },
    };
  },
  ...both((n) => {
    const call = (action: string, body: string) => ({
      url: "$URL/soap",
      method: "POST",
      headers: [
        { name: "SOAPAction", value: `"${action}"` },
        { name: "Content-Type", value: "text/xml" },
      ],
      body: {
        text: `<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>${body}</soap:Body></soap:Envelope>`,
      },
    });
    const set = "<set><value>${ .parameters.value }</value></set>";
    return {
      "HTTPResource/it": {
        parameters: { value: `v${n}` },
        observe: {
          ...call("Get", "<get/>"),
          expect: { status: ["200", "500"] },
          object: '.response.text | if test("<faultcode>NotFound") then null else capture("<value>(?<value>.*?)</value>") end',
        },
        create: { ...call("Add", set), idempotent: true },
        update: { ...call("Set", set), idempotent: true, object: '.body | capture("<value>(?<value>.*?)</value>")' },
        delete: { ...call("Remove", "<remove/>"), idempotent: true },
        interval: "1s",
      },
    };
  }),
  history: ["v1", "by hand", "v1", "v2"],
});

/** Jenkins': XML, a name in the query, a deletion that is answered by sending elsewhere. */
const jenkins = life({
  name: "a job whose XML is kept with a head of its own, and whose deletion sends elsewhere",
  product: () => {
    let xml: string | undefined;
    return {
      kept: () => xml ?? null,
      hand: () => (xml = "<project><description>by hand</description></project>"),
      serve({ method, path, query, text }) {
        if (path === "/createItem" && method === "POST") {
          if (query.get("name") !== "build" || xml !== undefined)
            return { status: 400, headers: { "x-error": "A job already exists" } };
          xml = text;
          return { status: 200 };
        }
        if (xml === undefined || !path.startsWith("/job/build/"))
          return { status: 404, headers: { "content-type": "text/html" }, body: "<h1>Not Found</h1>" };
        if (path.endsWith("/doDelete")) {
          xml = undefined;
          return { status: 302, headers: { location: "/" } };
        }
        if (method === "POST") {
          xml = text;
          return { status: 200 };
        }
        return { headers: { "content-type": "application/xml" }, body: `<?xml version='1.1' encoding='UTF-8'?>\n${xml}` };
      },
    };
  },
  ...both((n) => {
    const body = { text: `<project><description>d${n}</description></project>` };
    const headers = [{ name: "Content-Type", value: "application/xml" }];
    return {
      "HTTPResource/it": {
        observe: { url: "$URL/job/build/config.xml", object: '.response.text | sub("^<\\\\?xml[^>]*>\\\\s*"; "")' },
        create: { url: "$URL/createItem", query: [{ name: "name", value: "build" }], headers, body },
        update: { url: "$URL/job/build/config.xml", method: "POST", idempotent: true, headers, body },
        delete: { url: "$URL/job/build/doDelete", method: "POST", idempotent: true, expect: { status: ["302"] } },
        interval: "1s",
      },
    };
  }),
  history: ["d1", "by hand", "d1", "d2"].map((text) => `<project><description>${text}</description></project>`),
});

/** A Schema Registry: JSON as a text within JSON, put in its own form; a deletion that is answered with a list. */
const schemaRegistry = life({
  name: "a schema that is JSON in a text, kept without its spaces, each version with an id of its own",
  product: () => {
    let versions: string[] = [];
    return {
      kept: () => versions.at(-1) ?? null,
      serve({ method, path, body }) {
        const type = { "content-type": "application/vnd.schemaregistry.v1+json" };
        if (method === "POST" && path === "/subjects/orders/versions") {
          const schema = JSON.stringify(JSON.parse(String(body["schema"])));
          if (!versions.includes(schema)) versions.push(schema);
          return { headers: type, body: { id: 100 + versions.length } };
        }
        if (versions.length === 0)
          return { status: 404, headers: type, body: { error_code: 40401, message: "Subject not found." } };
        if (method === "GET" && path === "/subjects/orders/versions/latest")
          return {
            headers: type,
            body: { subject: "orders", version: versions.length, id: 100 + versions.length, schema: versions.at(-1) },
          };
        const all = versions.map((_, index) => index + 1);
        versions = [];
        return { headers: type, body: all };
      },
    };
  },
  ...both((n) => {
    const json = { schema: `{ "type": "record",\n  "name": "Order${n}" }` };
    return {
      "HTTPResource/it": {
        observe: { url: "$URL/subjects/orders/versions/latest" },
        create: { url: "$URL/subjects/orders/versions", idempotent: true, body: { json } },
        update: { url: "$URL/subjects/orders/versions", method: "POST", idempotent: true, body: { json } },
        delete: { url: "$URL/subjects/orders" },
        compare: [{ path: ".schema", as: "fromjson" }],
        interval: "1s",
      },
    };
  }),
  history: [1, 2].map((n) => `{"type":"record","name":"Order${n}"}`),
  also({ sent }) {
    if (sent("POST").length !== 2) throw new Error(`${sent("POST").length} versions were sent`);
  },
});

/** Azure's Resource Manager: PUT for all, 201 and a state that goes on, places in small letters, defaults below. */
const azure = life({
  name: "a resource that is put, goes on being made and deleted, and whose place is written in another way",
  product: () => {
    let it: Thing | undefined;
    let state = "Succeeded";
    let polls = 0;
    const path = "/subscriptions/1/resourceGroups/g/providers/Microsoft.Cache/redis/r";
    return {
      kept: () => it ?? null,
      hand: () => (it = { ...it, properties: { ...(it?.["properties"] as Thing), size: 99 } }),
      serve({ method, path: asked, body, query, headers }) {
        const host = `http://${headers.host}`;
        if (query.get("api-version") !== "2024-01-01")
          return { status: 400, body: { error: { code: "MissingApiVersionParameter" } } };
        if (asked === "/operations/1") {
          polls += 1;
          if (polls % 2 === 1) return { body: { status: "InProgress" } };
          if (state === "Deleting") it = undefined;
          state = "Succeeded";
          return { body: { status: "Succeeded" } };
        }
        if (asked.toLowerCase() !== path.toLowerCase()) return { status: 404 };
        const started = { "azure-asyncoperation": `${host}/operations/1?api-version=2024-01-01`, "retry-after": "1" };
        const show = (): Thing => ({
          id: path,
          name: "r",
          type: "Microsoft.Cache/redis",
          ...it,
          properties: { port: 6379, ...(it?.["properties"] as Thing), provisioningState: state },
        });
        if (method === "PUT") {
          const isNew = it === undefined;
          it = { ...body, location: String(body["location"]).toLowerCase().replaceAll(" ", "") };
          state = isNew ? "Creating" : "Updating";
          return { status: isNew ? 201 : 200, headers: started, body: show() };
        }
        if (!it) return { status: 404, body: { error: { code: "ResourceNotFound" } } };
        if (method === "GET") return { body: show() };
        state = "Deleting";
        return { status: 202, headers: started };
      },
    };
  },
  ...both((n) => {
    const at = {
      path: "/subscriptions/1/resourceGroups/g/providers/Microsoft.Cache/redis/r",
      query: [{ name: "api-version", value: "2024-01-01" }],
    };
    return {
      "HTTPEndpoint/azure": { baseURL: "$URL" },
      "HTTPResource/it": {
        endpointRef: { name: "azure" },
        parameters: { location: "West Europe", properties: { size: n } },
        externalID: ".metadata.name",
        observe: at,
        create: {
          ...at,
          method: "PUT",
          body: { json: "${ .parameters }" },
          poll: { until: '.response.body.status == "Succeeded"', failedIf: '.response.body.status == "Failed"', interval: "1s" },
        },
        update: {
          ...at,
          body: { json: "${ .parameters }" },
          poll: { until: '.response.body.status == "Succeeded"', interval: "1s" },
        },
        delete: { ...at, poll: { until: '.response.body.status == "Succeeded"', interval: "1s" } },
        compare: [{ path: ".location", as: 'ascii_downcase | gsub(" "; "")' }],
        interval: "1s",
      },
    };
  }),
  history: [1, 99, 1, 2].map((size) => ({ location: "westeurope", properties: { size } })),
});

/** A binding of a broker: it cannot be changed, its id is in the Location, and has characters that are encoded. */
const binding = life({
  name: "a binding that only its Location names, that cannot be changed, and is made anew",
  product: () => {
    let it: Thing | undefined;
    const keyOf = (t: Thing): string => `${String(t["routing_key"])}~a%2Fb`;
    return {
      kept: () => it ?? null,
      serve({ method, path, body }) {
        const base = "/api/bindings/%2F/e/x/q/y";
        if (method === "POST" && path === base) {
          it = body;
          return { status: 201, headers: { location: `y/${encodeURIComponent(keyOf(body))}` } };
        }
        const isIt = it && path === `${base}/${encodeURIComponent(keyOf(it))}`;
        if (!it || !isIt) return { status: 404, body: { error: "Object Not Found" } };
        if (method === "GET") return { body: { source: "x", vhost: "/", destination: "y", ...it, properties_key: keyOf(it) } };
        if (method !== "DELETE") return { status: 405 };
        it = undefined;
        return { status: 204 };
      },
    };
  },
  ...both((n) => ({
    "HTTPResource/it": {
      parameters: { routing_key: `k${n}`, arguments: { a: "b" } },
      externalID: '.response.headers.location | split("/") | last | @urid',
      observe: { url: '$URL/api/bindings/${ "/" }/e/x/q/y/${ .externalID }' },
      create: { url: '$URL/api/bindings/${ "/" }/e/x/q/y', body: { json: "${ .parameters }" } },
      update: { url: '$URL/api/bindings/${ "/" }/e/x/q/y/${ .externalID }', body: { json: "${ .parameters }" } },
      delete: { url: '$URL/api/bindings/${ "/" }/e/x/q/y/${ .externalID }' },
      replace: [".routing_key", ".arguments"],
      interval: "1s",
    },
  })),
  history: [{ routing_key: "k1", arguments: { a: "b" } }, null, { routing_key: "k2", arguments: { a: "b" } }],
});

/** An application of one page: what is not there is its page, with 200. */
const fallback = life({
  name: "what is not there is a page with 200, and what is forbidden is gone",
  product: one(
    ({ method, path, body }, it, set) => {
      const page = { status: 200, headers: { "content-type": "text/html" }, body: "<!doctype html><div id=app></div>" };
      if (path !== "/api/sites/a%2Fb") return page;
      if (method === "PUT") {
        set(body);
        return { status: it ? 200 : 201, body };
      }
      if (!it) return page;
      if (method === "GET") return { body: it };
      set(undefined);
      return { status: 200, body: { ok: true } };
    },
    (it) => ({ ...it, title: "by hand" }),
  ),
  ...both((n) => ({
    "HTTPResource/it": {
      parameters: { name: "a/b", title: `Grüße ${n}` },
      externalID: ".parameters.name",
      observe: {
        url: "$URL/api/sites/${ .externalID }",
        object: '.response | if .headers["content-type"] == "text/html" then null else .body end',
      },
      create: { url: "$URL/api/sites/${ .externalID }", method: "PUT", body: { json: "${ .parameters }" } },
      update: { url: "$URL/api/sites/${ .externalID }", body: { json: "${ .parameters }" } },
      delete: { url: "$URL/api/sites/${ .externalID }" },
      interval: "1s",
    },
  })),
  history: ["Grüße 1", "by hand", "Grüße 1", "Grüße 2"].map((title) => ({ name: "a/b", title })),
});

/** PagerDuty's: wrapped both ways, a list of offsets, a name that is unique. */
const pagerduty = life({
  name: "a service that is wrapped both ways, and is found in a list of offsets where its name is taken",
  product: one(
    ({ method, path, body, query }, it, set) => {
      const others = Array.from({ length: 4 }, (_, index) => ({ id: `P${index}`, name: `other ${index}` }));
      if (path === "/services" && method === "GET") {
        const all = [...others, ...(it ? [{ id: "PX", ...it }] : [])];
        const offset = Number(query.get("offset") ?? 0);
        return { body: { services: all.slice(offset, offset + 2), limit: 2, offset, more: offset + 2 < all.length } };
      }
      if (path === "/services") return { status: 400, body: { error: { code: 2001, errors: ["Name has already been taken"] } } };
      if (!it || path !== "/services/PX") return { status: 404, body: { error: { code: 2100 } } };
      if (method === "GET") return { body: { service: { id: "PX", ...it, teams: [] } } };
      set(method === "PUT" ? { ...it, ...(body["service"] as Thing) } : undefined);
      return method === "PUT" ? { body: { service: { id: "PX", ...it, ...(body["service"] as Thing) } } } : { status: 204 };
    },
    (it) => ({ ...it, description: "by hand" }),
    { name: "db", description: "found", status: "active" },
  ),
  ...both((n) => ({
    "HTTPResource/it": {
      parameters: { name: "db", description: `d${n}` },
      externalID: ".object.id",
      lookup: {
        url: "$URL/services",
        items: ".response.body.services",
        match: ".item.name == .parameters.name",
        next: ".response.body | if .more then {offset: (.offset + .limit)} else null end",
      },
      observe: { url: "$URL/services/${ .externalID }", object: ".response.body.service" },
      create: { url: "$URL/services", body: { json: { service: "${ .parameters }" } } },
      update: { url: "$URL/services/${ .externalID }", body: { json: { service: "${ .parameters }" } }, object: ".body.service" },
      delete: { url: "$URL/services/${ .externalID }" },
      interval: "1s",
    },
  })),
  history: ["d1", "by hand", "d1", "d2"].map((description) => ({ name: "db", description, status: "active" })),
});

/** An index: numbers and booleans that are shown as texts, below names that are made flat or deep. */
const index = life({
  name: "settings that are sent as numbers and shown as texts, under the object's own name",
  product: one(
    ({ method, path, body }, it, set) => {
      if (path === "/logs-1/_settings" && method === "PUT" && it) {
        set({ ...it, ...(body["index"] as Thing) });
        return { body: { acknowledged: true } };
      }
      if (path === "/logs-1/_settings" && it) {
        const texts = Object.fromEntries(Object.entries(it).map(([key, value]) => [key, String(value)]));
        return { body: { "logs-1": { settings: { index: { ...texts, uuid: "u", provided_name: "logs-1" } } } } };
      }
      if (path === "/logs-1" && method === "PUT") {
        if (it) return { status: 400, body: { error: { type: "resource_already_exists_exception" } } };
        set((body["settings"] as { index: Thing }).index);
        return { body: { acknowledged: true, index: "logs-1" } };
      }
      if (!it) return { status: 404, body: { error: { type: "index_not_found_exception" } } };
      set(undefined);
      return { body: { acknowledged: true } };
    },
    (it) => ({ ...it, number_of_replicas: 9 }),
  ),
  ...both((n) => ({
    "HTTPResource/it": {
      parameters: { number_of_replicas: n, hidden: false },
      externalID: ".metadata.name",
      observe: { url: "$URL/logs-1/_settings", object: '.response.body["logs-1"].settings.index' },
      create: { url: "$URL/logs-1", method: "PUT", body: { json: { settings: { index: "${ .parameters }" } } } },
      update: { url: "$URL/logs-1/_settings", body: { json: { index: "${ .parameters }" } }, object: ".body.index" },
      delete: { url: "$URL/logs-1" },
      compare: [
        { path: ".number_of_replicas", as: "tostring" },
        { path: ".hidden", as: "tostring" },
      ],
      interval: "1s",
    },
  })),
  history: [1, 9, 1, 2].map((replicas) => ({ number_of_replicas: replicas, hidden: false })),
});

export const oddProductCases: readonly RemoteCase[] = [
  stripe,
  scim,
  odata,
  hal,
  soap,
  jenkins,
  schemaRegistry,
  azure,
  binding,
  fallback,
  pagerduty,
  index,
];
