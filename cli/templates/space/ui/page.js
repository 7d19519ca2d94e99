/// <reference path="../space.d.ts" />
// %name%: a page. `space` is what the desk gives it.
"use strict";

(() => {
  /** The path, in `topology.yaml`, along which messages come. */
  const PATH = "readings";

  const here = document.getElementById("here");
  here.textContent = space.position ? `${space.position.at}, looking ${space.position.face}` : "in the desk";

  space.subscribe(PATH, (message, { from }) => {
    const line = document.createElement("li");
    line.textContent = `${from}: ${message}`;
    document.getElementById("messages").prepend(line);
  });
})();
