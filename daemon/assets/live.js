// Keeps a page as it would be if it were reloaded whenever something happens. Nothing is computed here: the daemon
// makes the page, this fetches it again and puts its <main> into place.
"use strict";

(() => {
  // At most once a second, however much happens; and now and then because ages grow.
  const PAUSE = 1000;
  const IDLE = 60000;

  const main = document.getElementById("main");
  const announcement = document.getElementById("announcement");
  const live = document.getElementById("live");
  const events = document.currentScript.dataset.events;
  let fetching = false;
  let due = false;
  let last = 0;
  let timer = 0;
  let source = null;
  let pressed = false;

  // A lost connection is announced to screen readers and shown in the footer; its return is only shown in the footer.
  const announce = (text, lost) => {
    if (lost && !live.classList.contains("lost")) announcement.textContent = text;
    live.classList.toggle("lost", lost);
    live.textContent = text;
    live.hidden = false;
  };
  // Where no place was left among the followers, now and then has to do.
  const follows = () => {
    if (due && selects()) announce("Changes are shown when no text is selected any more.", false);
    else announce(source ? "This page shows changes as they happen." : "This page is brought up to date every minute.", false);
  };
  const loses = () => announce("The daemon cannot be reached; what is shown may be out of date.", true);

  // Where an element is below the nearest one with an id, by its place among its neighbours: elements without an id of
  // their own keep the focus, too, whatever appears or vanishes in other parts of the page.
  const placeOf = (element) => {
    const path = [];
    let root = element;
    while (root !== main && !root.id) {
      path.unshift([...root.parentElement.children].indexOf(root));
      root = root.parentElement;
    }
    return { id: root.id, path };
  };

  const elementAt = ({ id, path }) =>
    path.reduce((element, index) => element && element.children[index], document.getElementById(id));

  // Text of this page that is selected, perhaps to be copied: replacing it would lose the selection.
  const selects = () => {
    const selection = document.getSelection();
    return selection !== null && !selection.isCollapsed && main.contains(selection.anchorNode);
  };

  const put = (fresh) => {
    const focused = main.contains(document.activeElement) && document.activeElement !== main ? document.activeElement : null;
    const place = focused && placeOf(focused);
    const opened = [...main.querySelectorAll("details[open][id]")].map((details) => details.id);
    const [left, top] = [window.scrollX, window.scrollY];
    main.replaceChildren(...document.importNode(fresh, true).childNodes);
    for (const id of opened) {
      const details = document.getElementById(id);
      if (details) details.open = true;
    }
    if (place) {
      const found = elementAt(place);
      if (found && found.tagName === focused.tagName) found.focus({ preventScroll: true });
      else main.focus({ preventScroll: true });
    }
    window.scrollTo(left, top);
  };

  const heading = (element) => element.querySelector("h1")?.textContent.trim() ?? "";

  const refresh = async () => {
    fetching = true;
    due = false;
    last = Date.now();
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" }, credentials: "same-origin" });
      if (answer.redirected || [401, 403, 404].includes(answer.status)) {
        // The session is over, or there is nothing to see any more: let the browser show what there is.
        stop();
        location.reload();
        return;
      }
      if (!answer.ok) throw new Error(String(answer.status));
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById("main");
      if (pressed || selects()) {
        due = true;
        follows();
        return;
      }
      if (heading(fresh) !== heading(main)) announcement.textContent = heading(fresh);
      put(fresh);
      document.title = page.title;
      follows();
    } catch {
      loses();
    } finally {
      fetching = false;
      if (due) soon();
    }
  };

  const soon = () => {
    due = true;
    // A button must not be exchanged under the finger.
    if (fetching || pressed || document.hidden) return;
    if (selects()) {
      follows();
      return;
    }
    clearTimeout(timer);
    timer = setTimeout(refresh, Math.max(0, last + PAUSE - Date.now()));
  };

  const start = () => {
    // Browsers open six connections to a host at the most, and VMS may be on the same one: a page that is not visible must
    // not keep any of them.
    if (source || document.hidden) return;
    source = new EventSource(events);
    for (const name of ["snapshot", "job_started", "job_waits", "job_done", "run_done", "scheduler"]) {
      source.addEventListener(name, soon);
    }
    source.addEventListener("open", follows);
    source.addEventListener("error", () => {
      // Refused for good.
      if (source && source.readyState === EventSource.CLOSED) source = null;
      // The daemon ends the stream every few minutes, and browsers come back by themselves: only asking for the page
      // shows whether it is gone.
      soon();
    });
  };

  const stop = () => {
    if (source) source.close();
    source = null;
  };

  document.addEventListener("pointerdown", () => {
    pressed = true;
  });
  for (const name of ["pointerup", "pointercancel"]) {
    document.addEventListener(name, () => {
      pressed = false;
      // Behind the click that this may be a part of.
      if (due) setTimeout(soon, 0);
    });
  }
  document.addEventListener("selectionchange", () => {
    if (due && !selects()) soon();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      stop();
    } else {
      start();
      soon();
    }
  });
  // A page that is kept for the way back must not hold a place among the followers.
  window.addEventListener("pagehide", stop);
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) start();
  });
  setInterval(soon, IDLE);
  start();
})();
