// The panel: a chart of what the sensor sends, and a button whose presses the store counts.
// `space` is what every UI space has: messages along its paths, and its log.
"use strict";

(() => {
  const POINTS = 200;
  const [LOWEST, HIGHEST] = [17, 25];
  const RETRY_MILLISECONDS = 1000;

  const element = (id) => document.getElementById(id);
  const readings = [];

  // A message as an object: its bytes are JSON.
  const read = (message) => {
    if (message instanceof ArrayBuffer || ArrayBuffer.isView(message)) {
      return JSON.parse(new TextDecoder().decode(message));
    }
    return typeof message === "string" ? JSON.parse(message) : message;
  };

  const point = (celsius, at) => {
    const height = (100 * (celsius - LOWEST)) / (HIGHEST - LOWEST);
    return `${at + POINTS - readings.length},${(100 - height).toFixed(1)}`;
  };

  const show = ({ celsius }) => {
    readings.push(celsius);
    readings.splice(0, readings.length - POINTS);
    element("now").value = celsius.toFixed(2);
    element("line").setAttribute("points", readings.map(point).join(" "));
  };

  const showKept = ({ presses, last }) => {
    element("presses").value = presses;
    element("state").textContent = last ? `last kept: ${last.celsius.toFixed(2)} °C` : "nothing is kept yet";
  };

  const ask = async (message) => {
    try {
      showKept(read(await space.request("presses", message)));
      return true;
    } catch (error) {
      element("state").textContent = `the store does not answer: ${error.message ?? error}`;
      return false;
    }
  };

  const askUntilAnswered = async () => {
    if (!(await ask("state"))) setTimeout(askUntilAnswered, RETRY_MILLISECONDS);
  };

  space.subscribe("readings", (message) => show(read(message)));
  element("press").addEventListener("click", () => {
    space.log("pressed");
    ask("press");
  });
  askUntilAnswered();
})();
