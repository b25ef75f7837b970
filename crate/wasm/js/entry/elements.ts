// Elements for a page: nothing is defined before `defineElements` is called.
export { defineElements } from "../elements/define.js";
export { fromJwRelated } from "../elements/jw-related.js";
