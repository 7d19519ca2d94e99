// The panel: questions to the assistant, and who answered each.
// `space` is what every UI space has: messages along its paths, and its log.
"use strict";

(() => {
  const SUGGESTIONS = [
    "What is a space?",
    "Who sees the key of a model?",
    "do What is the weather in Rome?",
    "do How much is 20 °C in Fahrenheit?",
  ];

  const element = (id) => document.getElementById(id);

  const line = (who, text) => {
    const item = document.createElement("li");
    const name = document.createElement("b");
    name.textContent = who;
    item.dataset.from = who;
    item.append(name, " ", text);
    element("talk").append(item);
    item.scrollIntoView({ block: "nearest" });
    return item;
  };

  const ask = async (question) => {
    line("you", question);
    try {
      const { from, text, found, missed } = JSON.parse(await space.request("questions", question));
      line(from, text);
      element("found").value = found;
      element("missed").value = missed;
    } catch (error) {
      line("nobody", `The assistant does not answer: ${error.message ?? error}`);
    }
  };

  // The frame of a UI space submits no forms.
  const askOwn = () => {
    const question = element("question").value.trim();
    element("question").value = "";
    if (question) ask(question);
  };

  for (const suggestion of SUGGESTIONS) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = suggestion;
    button.addEventListener("click", () => ask(suggestion));
    element("suggestions").append(button);
  }
  element("ask").addEventListener("click", askOwn);
  element("question").addEventListener("keydown", (event) => {
    if (event.key === "Enter") askOwn();
  });
})();
