// The display in the hall: the furnace's temperature, and whether it is hot.
"use strict";

(() => {
  const POINTS = 200;
  const [LOWEST, HIGHEST] = [110, 230];

  const element = (id) => document.getElementById(id);
  const readings = [];

  const point = (celsius, at) => {
    const height = (100 * (celsius - LOWEST)) / (HIGHEST - LOWEST);
    return `${at + POINTS - readings.length},${(100 - height).toFixed(1)}`;
  };

  space.subscribe("readings", (message) => {
    const { celsius } = JSON.parse(message);
    readings.push(celsius);
    readings.splice(0, readings.length - POINTS);
    element("now").value = celsius.toFixed(1);
    element("line").setAttribute("points", readings.map(point).join(" "));
  });
  space.subscribe("events/hot", (message) => {
    const { state } = JSON.parse(message);
    element("heat").value = state === "begun" ? "hot" : "not hot";
  });
  if (space.position) element("where").textContent = `${space.position.at}, looking ${space.position.face}`;
})();
