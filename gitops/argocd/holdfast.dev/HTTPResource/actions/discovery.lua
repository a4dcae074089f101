local isSuspended = obj.spec.suspend == true
local annotations = obj.metadata.annotations or {}
return {
  resend = { disabled = isSuspended },
  suspend = { disabled = isSuspended },
  resume = { disabled = not isSuspended },
  orphan = { disabled = annotations["holdfast.dev/orphan"] == "true" },
}
