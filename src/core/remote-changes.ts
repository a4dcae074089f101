/** What has come about with a remote object, told from what its status said before and says now. Pure. */
import { isRecord } from "./tools/json.ts";

export type RemoteChange =
  /** It is known by another id: an answer to update gave it, observing or looking it up showed it, or a person named it. */
  | { readonly type: "identityChanged"; readonly by: "update" | "observation" | "person" }
  /** It is to be deleted and created anew; or it has been deleted for that. */
  | { readonly type: "replacement"; readonly result: "begun" | "deleted" };

export function deriveRemoteChanges(before: object | undefined, after: object): readonly RemoteChange[] {
  const [was, is] = [isRecord(before) ? before : {}, isRecord(after) ? after : {}];
  const changes: RemoteChange[] = [];
  const [id, formerly] = [is["externalID"], was["externalID"]];
  if (id !== undefined && formerly !== undefined && id !== formerly) {
    const isNamed = is["lastHandledExternalID"] === id && was["lastHandledExternalID"] !== id;
    const by = isNamed ? "person" : is["formerExternalID"] === formerly ? "update" : "observation";
    changes.push({ type: "identityChanged", by });
  }
  const [wasReplacing, isReplacing] = [was["replacing"] === true, is["replacing"] === true];
  if (wasReplacing !== isReplacing) changes.push({ type: "replacement", result: isReplacing ? "begun" : "deleted" });
  return changes;
}
