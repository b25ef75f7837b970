// Players that need more than their media element.
export { attachHls, attachInside, attachVideojs } from "../players.js";
