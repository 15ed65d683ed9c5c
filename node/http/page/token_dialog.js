// Asks for the token of a node with `auth = "token"`. The token stays in the sessionStorage of this tab.

import { hasToken, saveToken } from "./api.js";
import { setText } from "./dom.js";

let waiting = null;  // the promise of the open dialog

/**
 * Opens the dialog unless it is open. Fulfilled when a token has been entered.
 * @param {HTMLDialogElement} dialog
 * @param {Error} reason of the node
 * @returns {Promise<void>}
 */
export function askForToken(dialog, reason) {
  waiting ??= new Promise((done) => {
    const form = dialog.querySelector("form");
    setText(dialog.querySelector("p"), hasToken() ? reason.message : "This node wants a token.");
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const field = form.elements["token"];
      saveToken(field.value.trim());
      field.value = "";
      dialog.close();
      waiting = null;
      done();
    }, { once: true });
    dialog.addEventListener("cancel", (event) => event.preventDefault());
    dialog.showModal();
  });
  return waiting;
}
