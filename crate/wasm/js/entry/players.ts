// Players that need more than their media element.
export { attachVideojs } from "../players.js";
