// Looking again and again, for as long as there is something to see.

const HIDDEN = 10; // times slower while nobody sees the tab

// Calls `look` until it returns (or resolves to) false, `every` milliseconds after it was done the last time.
// -> {wake(), stop()}: `wake` looks at once, also after the end.
export function repeat(look, every = 1000) {
  let [timer, looking, again] = [0, false, false];
  const turn = async () => {
    clearTimeout(timer);
    again = looking;
    if (looking) return;
    looking = true;
    const goOn = (await look()) !== false;
    looking = false;
    if (again) turn();
    else if (goOn) timer = setTimeout(turn, document.hidden ? HIDDEN * every : every);
    else timer = 0;
  };
  const onShow = () => { if (!document.hidden && timer) turn(); };
  document.addEventListener("visibilitychange", onShow);
  turn();
  return {
    wake: turn,
    stop: () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", onShow);
    },
  };
}
