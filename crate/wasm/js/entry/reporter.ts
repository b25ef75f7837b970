// What sends metrics: a file of its own, fetched only where a viewer allows them.
export { Reporter } from "../reporter.js";
