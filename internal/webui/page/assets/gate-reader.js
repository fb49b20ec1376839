// What is typed at a gate, by its guard or by a reader that types. Keys that nobody else takes come into the field, whatever has the
// focus. What a reader types of one person is never joined with what stood there before, nor with what it types of the next. Typed says
// of a text, of the names of its keys and of how long they took, what was meant, what kind of thing that is, and whether a reader typed
// it; present is given what was meant, or a promise of it, of one person after the other.
window.truyvetReader = ({ field, typed, present }) => {
  const GAP = 300; // milliseconds: so long no reader rests between two keys of one code; one that sends no Enter has ended then
  const TYPES = /^(Key|Digit|Numpad\d|Back(quote|slash)|Minus|Equal|Bracket|Semicolon|Quote|Comma|Period|Slash|Space)/;

  let keys = []; // of what stands in the field, each with its time; nothing where the guard has mended it
  let first = null; // when the first of it was typed, and the last
  let last = -GAP;
  let burst = { text: 0, key: 0, at: 0 }; // where in the text and in the keys that begins which was typed without a rest, and when
  let turn = 0; // counts how often the field was emptied
  let pause;

  // touched hears that something is about to be written. Not every key has a name, and some methods of input tell of none.
  const touched = (at) => {
    if (first === null || at - last > GAP) burst = { text: field.value.length, key: keys.length, at };
    first ??= at;
    last = at;
  };
  const part = (text, of, from) => ({ text, keys: of.map(({ name }) => name).join(" "), took: last - from });
  const whole = () => part(field.value, keys, first ?? last);
  const latest = () => part(field.value.slice(burst.text), keys.slice(burst.key), burst.at);
  const leave = (text, rest) => {
    field.value = text;
    keys = rest;
    first = rest[0]?.at ?? null;
    burst = { text: 0, key: 0, at: first ?? last };
    turn += 1;
  };

  // meant is what a reader has typed at last, or else all that stands there.
  const meant = async (all, end) => {
    if (end.text !== all.text) {
      const read = await typed(end);
      if (read.reader) return read.text;
    }
    return (await typed(all)).text ?? all.text;
  };
  const take = () => {
    if (field.value || keys.length) present(meant(whole(), latest()));
    leave("", []);
  };

  // ended takes what a reader has typed that sends no Enter. Where the next person's came while that was found out it stays.
  const ended = async () => {
    const end = latest();
    const [at, now, text, count] = [last, turn, field.value.length, keys.length];
    const read = await typed(end);
    if (!read.reader || !end.text || turn !== now) return;
    if (last !== at && !read.kind) return; // it is not whole yet
    present(read.text);
    if (last === at) leave("", []);
    else leave(field.value.slice(text), keys.slice(count));
  };

  document.addEventListener("keydown", (event) => {
    const { target, code, timeStamp } = event;
    const other = target !== field && target.closest("a, button, summary, input, select, textarea");
    if (other && (other.matches("input, select, textarea") || code === "Space")) return;
    if (event.key === "Backspace" || event.key === "Delete" || event.ctrlKey || event.metaKey) {
      keys = [];
      burst.key = 0;
      return;
    }
    if (!TYPES.test(code)) return;
    field.focus({ preventScroll: true });
    touched(timeStamp);
    keys.push({ name: (event.shiftKey ? "+" : "") + code, at: timeStamp });
    clearTimeout(pause);
    pause = setTimeout(ended, GAP);
  });
  field.addEventListener("beforeinput", ({ timeStamp }) => touched(timeStamp));
  field.form.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(pause);
    take();
  });
};
