/**
 * How many threads Node has for what blocks: by default four, of which two may resolve names; and a name whose server does not
 * answer holds one for ten seconds and more. libuv reads it when the first thread is needed, so this is imported before all else.
 */
process.env["UV_THREADPOOL_SIZE"] ??= "64";
