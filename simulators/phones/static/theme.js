"use strict";
// Before the first paint: a page that was made dark stays dark.
const kept = localStorage.getItem("loa-theme");
if (kept) document.documentElement.dataset.theme = kept;
