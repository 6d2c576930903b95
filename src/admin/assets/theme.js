// Runs before the page is painted: the colours that the viewer chose, if they chose.
(() => {
  try {
    const chosen = localStorage.getItem("colours");
    if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
  } catch {
    // Without storage the system's colours stay.
  }
})();
