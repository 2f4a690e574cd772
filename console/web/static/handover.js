// The sheet on paper: the browser's own dialogue.
document.querySelector("#print").addEventListener("click", () => window.print());
