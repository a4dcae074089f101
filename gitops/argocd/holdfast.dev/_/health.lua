-- The health of every kind of holdfast.dev: what its conditions say, once they speak of the spec as it is.
local health = { status = "Progressing", message = "no controller has looked at it yet" }
if obj.status == nil or obj.status.observedGeneration ~= obj.metadata.generation then
  return health
end

local found = {}
for _, condition in ipairs(obj.status.conditions or {}) do
  found[condition.type] = condition
end
local ready = found.Ready
if ready == nil then
  return health
end

health.message = ready.reason .. ": " .. ready.message
if ready.reason == "Suspended" then
  health.status = "Suspended"
elseif found.Stalled ~= nil and found.Stalled.status == "True" then
  health.status = "Degraded"
elseif found.Reconciling ~= nil and found.Reconciling.status == "True" then
  health.status = "Progressing"
elseif ready.status == "True" then
  health.status = "Healthy"
elseif ready.status == "False" then
  -- A run of a schedule has failed, and the next tick is another chance.
  health.status = "Degraded"
end
return health
