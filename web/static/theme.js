// Before the first paint: the colours that this browser was told to keep.
(() => {
  const kept = localStorage.getItem("loa-theme");
  if (kept === "dark" || kept === "light") document.documentElement.dataset.theme = kept;
  document.documentElement.classList.add("js");
})();
