// A browser that would install the page lets us ask for it.
const button = document.getElementById("install");
let offered;

addEventListener("beforeinstallprompt", (event) => {
  event.preventDefault();
  offered = event;
  button.hidden = false;
});
button.addEventListener("click", () => {
  button.hidden = true;
  offered.prompt();
});
