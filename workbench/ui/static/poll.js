// Looking again and again, for as long as there is something to see.

const HIDDEN = 10; // times slower while nobody sees the tab

// Calls `look` until it returns (or resolves to) false, `every` milliseconds after it was done the last time. A look that
// throws was one in vain: the next one comes in its turn.
// -> {wake(), stop()}: `wake` looks at once, also after the end, but for one that was stopped.
export function repeat(look, every = 1000) {
  let [timer, looking, again, stopped] = [0, false, false, false];
  const turn = async () => {
    clearTimeout(timer);
    again = looking;
    if (looking || stopped) return;
    looking = true;
    let goOn = true;
    try {
      goOn = (await look()) !== false;
    } catch (error) {
      console.error(error);
    }
    looking = false;
    if (again) turn();
    else if (goOn && !stopped) timer = setTimeout(turn, document.hidden ? HIDDEN * every : every);
    else timer = 0;
  };
  const onShow = () => { if (!document.hidden && timer) turn(); };
  document.addEventListener("visibilitychange", onShow);
  turn();
  return {
    wake: turn,
    stop: () => {
      stopped = true;
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", onShow);
    },
  };
}
