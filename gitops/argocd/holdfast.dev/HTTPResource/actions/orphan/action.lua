-- What is being deleted goes, and the remote object stays.
if obj.metadata.annotations == nil then
  obj.metadata.annotations = {}
end
obj.metadata.annotations["holdfast.dev/orphan"] = "true"
return obj
