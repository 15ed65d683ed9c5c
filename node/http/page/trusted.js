// The only text that a script of this page may turn into HTML is "<svg/>", with which Leaflet tests the browser while
// it loads. The page's Content-Security-Policy makes the browser ask this policy (Trusted Types), so a mistake that
// hands a client's id to the parser of HTML is an error and not an attack. Loaded before all other scripts.
if (window.trustedTypes) {
  window.trustedTypes.createPolicy("default", {
    createHTML: (text) => {
      if (text === "<svg/>") return text;
      throw new TypeError("this page shows texts by textContent only");
    },
  });
}
