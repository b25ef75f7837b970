// Players that need more than their media element.
export { attachInside, attachVideojs } from "../players.js";
