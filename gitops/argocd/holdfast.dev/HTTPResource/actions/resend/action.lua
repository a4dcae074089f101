-- Any new value of the annotation asks for it.
local os = require("os")
if obj.metadata.annotations == nil then
  obj.metadata.annotations = {}
end
obj.metadata.annotations["holdfast.dev/reconcile-at"] = tostring(os.time())
return obj
