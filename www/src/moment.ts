// The switch for time of day, weekday and device: the demo's stand-in for the real clock.

const WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const DEVICES = ["phone", "tablet", "desktop", "tv"];

/** The moment that the recommender is told. */
export class Moment {
  private hour = new Date().getHours();
  private weekday = (new Date().getDay() + 6) % 7;
  device = /Mobi/.test(navigator.userAgent) ? "phone" : "desktop";

  /** Connects the controls and calls `changed` after each change. */
  constructor(changed: () => void) {
    const hour = document.querySelector<HTMLInputElement>("#hour")!;
    const text = document.querySelector<HTMLOutputElement>("#hour-text")!;
    const weekday = document.querySelector<HTMLSelectElement>("#weekday")!;
    const device = document.querySelector<HTMLSelectElement>("#device")!;
    WEEKDAYS.forEach((name, day) => weekday.add(new Option(name, String(day), false, day === this.weekday)));
    DEVICES.forEach((name) => device.add(new Option(name, name, false, name === this.device)));
    const showHour = () => (text.value = `${String(this.hour).padStart(2, "0")}:00`);
    hour.value = String(this.hour);
    showHour();
    hour.addEventListener("input", () => {
      this.hour = Number(hour.value);
      showHour();
      changed();
    });
    weekday.addEventListener("change", () => {
      this.weekday = Number(weekday.value);
      changed();
    });
    device.addEventListener("change", () => {
      this.device = device.value;
      changed();
    });
  }

  /** The chosen local time, as a what-if: the history keeps its real dates. */
  get localTime(): { hour: number; weekday: number } {
    return { hour: this.hour, weekday: this.weekday };
  }
}
