// The panels under the player: one at a time, by pointer or by arrow keys.

/** Connects the tabs of a list to their panels; `shown` hears the id of the panel that is opened. */
export function connectTabs(list: HTMLElement, shown: (panel: string) => void): void {
  const tabs = [...list.querySelectorAll<HTMLButtonElement>("[role=tab]")];
  const open = (tab: HTMLButtonElement) => {
    for (const one of tabs) {
      const chosen = one === tab;
      one.ariaSelected = String(chosen);
      one.tabIndex = chosen ? 0 : -1;
      document.getElementById(one.getAttribute("aria-controls")!)!.hidden = !chosen;
    }
    shown(tab.getAttribute("aria-controls")!);
  };
  for (const tab of tabs) tab.addEventListener("click", () => open(tab));
  list.addEventListener("keydown", (event) => {
    const forward = getComputedStyle(list).direction === "rtl" ? "ArrowLeft" : "ArrowRight";
    const at = tabs.indexOf(event.target as HTMLButtonElement);
    const steps: Record<string, number> = { ArrowRight: -1, ArrowLeft: -1, [forward]: 1 };
    const to = event.key === "Home" ? 0 : event.key === "End" ? tabs.length - 1 : event.key in steps ? (at + steps[event.key]! + tabs.length) % tabs.length : -1;
    if (at < 0 || to < 0) return;
    event.preventDefault();
    tabs[to]!.focus();
    open(tabs[to]!);
  });
}
