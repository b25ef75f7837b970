// The context lab: time of day, weekday and device, the demo's stand-in for the real clock.
import type { LocalTime } from "upnext";
import { find } from "./markup.js";

const WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const DEVICES = ["phone", "tablet", "desktop", "tv"];

/** The moment that the recommender is told. */
export class Moment {
  #hour = new Date().getHours();
  #weekday = (new Date().getDay() + 6) % 7;
  device = /Mobi/.test(navigator.userAgent) ? "phone" : "desktop";

  /** Connects the controls and calls `changed` after each change. */
  constructor(changed: () => void) {
    const [hour, text] = [find<HTMLInputElement>("#hour"), find<HTMLOutputElement>("#hour-text")];
    const [weekday, device] = [find<HTMLSelectElement>("#weekday"), find<HTMLSelectElement>("#device")];
    WEEKDAYS.forEach((name, day) => weekday.add(new Option(name, String(day), false, day === this.#weekday)));
    DEVICES.forEach((name) => device.add(new Option(name, name, false, name === this.device)));
    const showHour = () => (text.value = `${String(this.#hour).padStart(2, "0")}:00`);
    hour.value = String(this.#hour);
    showHour();
    hour.addEventListener("input", () => {
      this.#hour = Number(hour.value);
      showHour();
      changed();
    });
    weekday.addEventListener("change", () => {
      this.#weekday = Number(weekday.value);
      changed();
    });
    device.addEventListener("change", () => {
      this.device = device.value;
      changed();
    });
  }

  /** The chosen local time, as a what-if: the history keeps its real dates. */
  get localTime(): LocalTime {
    return { hour: this.#hour, weekday: this.#weekday };
  }
}
