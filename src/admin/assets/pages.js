// What the pages gain by script: times in the viewer's zone, what happens without reloading, the keys, the colours.
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const remember = {
    get(key) { try { return localStorage.getItem(key); } catch { return null; } },
    set(key, value) { try { localStorage.setItem(key, value); } catch { /* it lasts as long as the page */ } },
  };

  // Times: the server says UTC, which stays as the title.
  const sameYear = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" });
  const otherYear = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
  const localTimes = (root) => {
    for (const time of $$("time[datetime]", root)) {
      const at = new Date(time.dateTime);
      if (Number.isNaN(at.getTime())) continue;
      const format = at.getFullYear() === new Date().getFullYear() ? sameYear : otherYear;
      time.textContent = format.format(at);
    }
  };
  localTimes(document);

  // Colours: as the system has them, light, dark.
  const theme = $("#theme");
  if (theme) {
    const names = ["system", "light", "dark"];
    const words = { system: "◐ Auto", light: "○ Light", dark: "● Dark" };
    const show = (name) => {
      theme.textContent = words[name];
      theme.title = `Theme: ${name}`;
      if (name === "system") delete document.documentElement.dataset.theme;
      else document.documentElement.dataset.theme = name;
    };
    let now = names.includes(remember.get("colours")) ? remember.get("colours") : "system";
    show(now);
    theme.hidden = false;
    theme.addEventListener("click", () => {
      now = names[(names.indexOf(now) + 1) % names.length];
      remember.set("colours", now);
      show(now);
    });
  }

  // An edited draft says so on its button.
  const edited = (textarea) => textarea.value !== textarea.defaultValue;
  document.addEventListener("input", (event) => {
    const form = event.target.closest?.("form");
    const approve = form && $("[data-approve]", form);
    if (approve && event.target.matches("textarea")) {
      approve.textContent = edited(event.target) ? "Save and send" : "Approve and send";
    }
  });

  // What is live is fetched again when something has happened, and put in the place of what was there.
  // What somebody writes, chooses, marks or presses just now stays under their hands.
  const chosen = (select) => [...select.options].some((option) => option.selected !== option.defaultSelected);
  const marks = (part) => {
    const selection = getSelection();
    return selection !== null && !selection.isCollapsed && selection.containsNode(part, true);
  };
  const busy = (part) =>
    $$("textarea", part).some((textarea) => edited(textarea) || textarea === document.activeElement) ||
    $$("select", part).some((select) => chosen(select) || select === document.activeElement) ||
    part.querySelector(":active") !== null || marks(part);
  const swap = (fresh) => {
    let left = false;
    for (const part of $$("[data-live]")) {
      const other = fresh.getElementById(part.id);
      if (!other) continue;
      localTimes(other);
      if (part.innerHTML === other.innerHTML) continue;
      if (busy(part)) { left = true; continue; }
      const open = new Map($$("details[id]", part).map((details) => [details.id, details.open]));
      const focused = part.contains(document.activeElement) ? document.activeElement : null;
      const item = focused?.closest("[data-item]");
      part.replaceChildren(...other.childNodes);
      for (const details of $$("details[id]", part)) {
        if (open.has(details.id)) details.open = open.get(details.id);
      }
      // Whoever was there goes on there.
      const again = (focused?.id && document.getElementById(focused.id)) || (item?.id && document.getElementById(item.id));
      if (focused && again) again.focus({ preventScroll: true });
    }
    const stale = $("#stale");
    if (stale) stale.hidden = !left;
    if (left) later();
  };
  let fetching = false;
  let again = false;
  const refresh = async () => {
    if (fetching) { again = true; return; }
    fetching = true;
    try {
      const answer = await fetch(location.href, { headers: { accept: "text/html" }, credentials: "same-origin" });
      if (answer.redirected && new URL(answer.url).pathname === "/login") { location.assign("/login"); return; }
      if (answer.ok) swap(new DOMParser().parseFromString(await answer.text(), "text/html"));
    } catch {
      // The connection of the events tells that the service is away.
    } finally {
      fetching = false;
      if (again) { again = false; soon(); }
    }
  };
  let timer = null;
  let waiting = null;
  const later = () => { waiting ??= setTimeout(() => { waiting = null; refresh(); }, 3000); };
  const soon = () => { timer ??= setTimeout(() => { timer = null; refresh(); }, 300); };
  $("#stale-load")?.addEventListener("click", () => location.reload());

  const state = $("#live-state");
  // A read of the thread costs requests and is asked for by a person.
  const mayFetch = document.querySelector("[data-live]") && !new URLSearchParams(location.search).has("live");
  const isAnswer = location.pathname === "/try" || location.pathname === "/workspace/check" || $("[data-answer]") !== null;
  if (state && mayFetch && !isAnswer && "EventSource" in window) {
    const say = (name, text) => {
      state.hidden = false;
      state.dataset.is = name;
      if (state.textContent !== text) state.textContent = text;
    };
    let away = null;
    let events = null;
    const follow = () => {
      events?.close();
      events = new EventSource("/api/v1/events");
      events.addEventListener("ready", () => {
        say("live", "Live");
        // What happened while nobody listened.
        if (away) { clearInterval(away); away = null; soon(); }
      });
      events.addEventListener("reset", soon);
      events.addEventListener("decision", soon);
      events.addEventListener("action", soon);
      events.addEventListener("error", () => {
        say("away", "Not live");
        away ??= setInterval(refresh, 15000);
        // Refused, such as by too many readers: the browser gives up by itself, so come back.
        if (events.readyState === EventSource.CLOSED) setTimeout(() => { if (!document.hidden) follow(); }, 15000);
      });
    };
    // A browser keeps few connections to one place: a page that nobody sees holds none.
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) { events?.close(); clearInterval(away); away = null; } else { follow(); soon(); }
    });
    if (!document.hidden) follow();
  }
  // How far a comparison is, no event tells.
  if ($("#live-backtest")) setInterval(() => { if (!document.hidden && $("[data-poll]")) refresh(); }, 1000);
  // From an error to its place in the text.
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[data-line]");
    const text = $("#text");
    if (!link || !text) return;
    event.preventDefault();
    const lines = text.value.split("\n");
    const line = Math.min(Number(link.dataset.line), lines.length);
    const before = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
    const at = before + Math.min(Number(link.dataset.column) - 1, lines[line - 1].length);
    text.focus();
    text.setSelectionRange(at, before + lines[line - 1].length);
    text.scrollTop = (text.scrollHeight / lines.length) * Math.max(line - 4, 0);
  });
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

  // Keys, as mail programs have them. Single keys act on the focused item only, and can be switched off.
  const help = $("#help");
  const switchOn = $("#keys-on");
  let keysOn = remember.get("keys") !== "off";
  if (switchOn) {
    switchOn.checked = keysOn;
    switchOn.addEventListener("change", () => { keysOn = switchOn.checked; remember.set("keys", keysOn ? "on" : "off"); });
  }
  const keys = $("#keys");
  if (keys && help) {
    keys.hidden = false;
    keys.addEventListener("click", () => help.showModal());
  }
  const places = { r: "/", a: "/activity", q: "/queue", t: "/try", b: "/backtest", w: "/workspace" };
  let going = 0;
  const move = (by) => {
    const items = $$("[data-item]");
    if (items.length === 0) return;
    const at = items.indexOf(document.activeElement?.closest("[data-item]"));
    const next = items[at < 0 ? 0 : Math.min(Math.max(at + by, 0), items.length - 1)];
    next.focus();
    next.scrollIntoView({ block: "nearest" });
  };
  document.addEventListener("keydown", (event) => {
    const target = event.target;
    if (event.key === "Escape" && target.matches("textarea")) {
      target.closest("[data-item]")?.focus();
      return;
    }
    if (!keysOn || event.ctrlKey || event.metaKey || event.altKey || help?.open) return;
    if (target.matches("input, textarea, select")) return;
    if (Date.now() - going < 1500 && places[event.key]) {
      going = 0;
      location.assign(places[event.key]);
      return;
    }
    going = 0;
    const item = target.matches("[data-item]") ? target : null;
    switch (event.key) {
      case "?": help?.showModal(); break;
      case "g": going = Date.now(); break;
      case "j": move(1); break;
      case "k": move(-1); break;
      case "o":
      case "Enter":
        if (!item?.dataset.open) return;
        location.assign(item.dataset.open);
        break;
      case "e":
        if (!item || !$("textarea", item)) return;
        $("textarea", item).focus();
        break;
      case "a":
      case "r": {
        const button = item && $(event.key === "a" ? "[data-approve]" : "[data-reject]", item);
        if (!button) return;
        button.form.requestSubmit(button);
        break;
      }
      default: return;
    }
    event.preventDefault();
  });

  // One click is one decision; what takes its time says so.
  document.addEventListener("submit", (event) => {
    const pressed = event.submitter;
    // After a download the page stays.
    if (pressed?.dataset.keep !== undefined) return;
    if (event.target.method !== "post" && !pressed?.dataset.wait) return;
    // After the form was read: a disabled button would not be in it.
    setTimeout(() => {
      for (const button of $$("button", event.target)) button.disabled = true;
      if (pressed?.dataset.wait) pressed.textContent = pressed.dataset.wait;
    });
  });
})();
