import { nextElement } from "./next.js";
import { railElement } from "./rail.js";

/** Defines `<upnext-rail>` and `<upnext-next>`; a second call changes nothing. */
export function defineElements(): void {
  for (const [name, make] of [["upnext-rail", railElement], ["upnext-next", nextElement]] as const) {
    if (!customElements.get(name)) customElements.define(name, make());
  }
}
