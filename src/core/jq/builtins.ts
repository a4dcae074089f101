/** jq's own functions, by what they look at. */

/** These look at nothing of their input but what is between their parentheses. */
export const lookNowhere = new Set(["empty", "now", "infinite", "nan", "true", "false", "input_line_number", "env"]);
export const lookAtArguments = new Set(["first", "last", "limit", "skip", "range", "error", "isempty"]);
/** Their arguments see what they see. */
export const sharesInput = new Set(
  "has contains inside index rindex indices startswith endswith ltrimstr rtrimstr trimstr test capture scan split splits join getpath setpath add IN flatten pick strftime digest hmac".split(
    " ",
  ),
);
/** Their arguments see each element of their input. */
export const looksAtEach = new Set("map map_values sort_by group_by unique_by min_by max_by".split(" "));
