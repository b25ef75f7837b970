// What sends events: a file of its own, fetched only where a viewer lets them go.
export { Outbox } from "../outbox.js";
