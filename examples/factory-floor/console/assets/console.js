// The display at the gate: orders it, and says who has it.
"use strict";

(() => {
  const element = (id) => document.getElementById(id);

  const buttons = [element("open"), element("close")];

  const order = async (position) => {
    for (const button of buttons) button.disabled = true;
    try {
      const answer = JSON.parse(await space.request("orders", position));
      element("answer").value = answer.refused
        ? `${position}: refused, ${answer.refused}`
        : `${answer.position}, with fence ${answer.fence}`;
    } catch (error) {
      element("answer").value = `${position}: ${error.message ?? error}`;
    }
    for (const button of buttons) button.disabled = false;
    space.log(element("answer").value);
  };

  element("open").addEventListener("click", () => order("open"));
  element("close").addEventListener("click", () => order("closed"));
  space.subscribe("alarms", (message) => {
    const { hot, fence } = JSON.parse(message);
    element("alarm").textContent = hot
      ? `the furnace is hot: the guard has the gate, with fence ${fence}`
      : "the furnace is not hot: the gate is free";
  });
})();
