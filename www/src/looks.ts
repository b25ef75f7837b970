// Light or dark, from the left or from the right: kept in this browser.
import { find } from "./markup.js";

const THEMES = ["system", "light", "dark"] as const;
const NAMES = { system: "as the system says", light: "light", dark: "dark" };
const SIGNS = { system: "◐", light: "☀", dark: "☾" };

/** Keeps a setting of the page; where the browser keeps nothing it holds until the page goes. */
function keep(name: string, value: string): void {
  try {
    localStorage.setItem(`upnext-demo-${name}`, value);
  } catch {
    // It is a matter of looks.
  }
}

/** Connects the two buttons; how the page begins, `?dir=rtl` and `?theme=dark` too, is read in `parts/head.html`. */
export function connectLooks(): void {
  const { documentElement: page } = document;
  let theme = THEMES.find((one) => one === page.dataset.theme) ?? "system";
  const showTheme = () => {
    page.dataset.theme = theme;
    find("#theme").ariaLabel = `Colours: ${NAMES[theme]}`;
    find("#theme").firstElementChild!.textContent = SIGNS[theme];
  };
  find("#theme").addEventListener("click", () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length]!;
    keep("theme", theme);
    showTheme();
  });
  showTheme();
  const showDirection = () => (find("#direction").ariaPressed = String(page.dir === "rtl"));
  find("#direction").addEventListener("click", () => {
    page.dir = page.dir === "rtl" ? "ltr" : "rtl";
    keep("dir", page.dir);
    showDirection();
  });
  showDirection();
}
