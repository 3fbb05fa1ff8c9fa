// Search runs in a worker, which browsers refuse to start from a file on disk. There, and only
// there, a hidden frame of the same page does the work of the worker.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      this.ready = new Promise((resolve) => {
        this.frame = document.createElement("iframe");
        this.frame.hidden = true;
        this.frame.title = "search";
        this.frame.addEventListener("load", resolve, { once: true });
        // A script that a worker would import is a script of the frame.
        const own =
          "postMessage = data => parent.postMessage({ search: true, data }, '*');" +
          "importScripts = (...urls) => Promise.all(urls.map(url => new Promise((done, failed) => {" +
          "const script = document.createElement('script');" +
          "script.src = url; script.onload = done; script.onerror = failed;" +
          "document.body.append(script); })));";
        this.frame.srcdoc = `<body><script>${own}</script><script src="${new URL(url, location)}"></script>`;
        const append = () => document.body.append(this.frame);
        if (document.body) append();
        else addEventListener("DOMContentLoaded", append);
      });
      addEventListener("message", (event) => {
        if (event.source !== this.frame.contentWindow || !event.data.search) return;
        const message = new MessageEvent("message", { data: event.data.data });
        this.dispatchEvent(message);
        if (this.onmessage) this.onmessage(message);
      });
    }

    postMessage(data) {
      this.ready.then(() => this.frame.contentWindow.dispatchEvent(new MessageEvent("message", { data })));
    }

    terminate() {
      this.frame.remove();
    }
  };
}
