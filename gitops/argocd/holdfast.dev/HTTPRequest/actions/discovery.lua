local isSuspended = obj.spec.suspend == true
return {
  resend = { disabled = isSuspended },
  suspend = { disabled = isSuspended },
  resume = { disabled = not isSuspended },
}
