// The context lab: time of day, weekday and device, the demo's stand-in for the real clock.
import type { LocalTime } from "upnext";
import { find } from "./markup.js";

const WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const DEVICES = ["phone", "tablet", "desktop", "tv"];

/** Weekday, hour and device as they are. */
const now = (): [number, number, string] => [(new Date().getDay() + 6) % 7, new Date().getHours(), /Mobi/.test(navigator.userAgent) ? "phone" : "desktop"];

/** The moment that the recommender is told. */
export class Moment {
  #hour!: number;
  #weekday!: number;
  device!: string;

  /** Connects the controls and calls `changed` after each change. */
  constructor(changed: () => void) {
    const [hour, text] = [find<HTMLInputElement>("#hour"), find<HTMLOutputElement>("#hour-text")];
    const [weekday, device] = [find<HTMLSelectElement>("#weekday"), find<HTMLSelectElement>("#device")];
    WEEKDAYS.forEach((name, day) => weekday.add(new Option(name, String(day))));
    DEVICES.forEach((name) => device.add(new Option(name)));
    const showHour = () => (text.value = `${String(this.#hour).padStart(2, "0")}:00`);
    const be = ([day, at, kind]: [number, number, string]) => {
      [this.#weekday, this.#hour, this.device] = [day, at, kind];
      [weekday.value, hour.value, device.value] = [String(day), String(at), kind];
      showHour();
    };
    be(now());
    for (const button of document.querySelectorAll<HTMLButtonElement>("#moments button")) {
      button.addEventListener("click", () => {
        // A weekday from Monday, 0, an hour, a device; or the clock's.
        const [day, at, kind] = button.dataset.moment!.split(" ");
        be(kind === undefined ? now() : [Number(day), Number(at), kind]);
        changed();
      });
    }
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
