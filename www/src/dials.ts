// The dials: how the viewer wants slates made.
import type { DiversityMethod, RecommendOptions } from "upnext";
import { find } from "./markup.js";

const IDS = ["diversity", "explore", "calibration", "per-channel", "method"];
type Field = HTMLInputElement | HTMLSelectElement;
const value = (id: string) => find<Field>(`#${id}`).value;

/** Calls `changed` whenever one is moved, and once when all are set back. */
export function connectDials(changed: () => void): void {
  const fields = IDS.map((id) => find<Field>(`#${id}`));
  const first = fields.map((field) => field.value);
  for (const field of fields) field.addEventListener("input", changed);
  find("#undial").addEventListener("click", () => {
    fields.forEach((field, i) => (field.value = first[i]!));
    changed();
  });
}

/** The dials as they stand. */
export function dials(): RecommendOptions {
  return {
    diversity: Number(value("diversity")),
    explore: Number(value("explore")),
    calibration: Number(value("calibration")),
    perChannel: value("per-channel") === "" ? null : Number(value("per-channel")),
    method: value("method") as DiversityMethod,
  };
}
