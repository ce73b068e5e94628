"""Look at pages with headless Chromium: in the light, in the dark, on a phone, on paper.

Usage: check.py CHROMIUM AXE_JS PAGES OUT (and pdftotext, of poppler)

Every page of the folder PAGES is opened from disk in each mode, as it is and with everything unfolded. It must log
nothing, ask for nothing but itself, clip nothing, lay no word over another, scroll sideways nowhere but in the boxes that
are made for it, which show that there is more and on a phone keep names beside their numbers, and have nothing that
axe-core calls serious. On paper, US Letter and A4, it must break no word, number or id that fits on a line, repeat the heads
of tables, leave no heading alone at the foot of a page, and end with more than a sentence. Screenshots and PDF go to OUT.

Chromium is driven over its pipe by the Chrome DevTools Protocol: https://chromedevtools.github.io/devtools-protocol/
"""

import base64
import json
import os
import pathlib
import subprocess
import sys
import tempfile

SCHEMES = [{"name": "prefers-color-scheme", "value": "light"}], [{"name": "prefers-color-scheme", "value": "dark"}]
# Width and height in inches, and the width less the margins of the style sheet (14 mm each) in CSS pixels.
PAPERS = {"a4": (8.27, 11.69, 688), "letter": (8.5, 11, 710)}
# The longest word that must fit on its line: the longest id is a delivery's or an account's name before it.
LONGEST_WORD = 44
# The fewest lines of the last page.
FEWEST_LINES = 4
MODES = {
    "light": {"width": 1280, "media": "screen", "features": SCHEMES[0]},
    "dark": {"width": 1280, "media": "screen", "features": SCHEMES[1]},
    "phone": {"width": 390, "media": "screen", "features": SCHEMES[0], "mobile": True},
    "phone-dark": {"width": 390, "media": "screen", "features": SCHEMES[1], "mobile": True},
    **{f"print-{name}": {"width": width, "media": "print", "features": SCHEMES[0], "paper": name}
       for name, (_, _, width) in PAPERS.items()},
}
# The most pixels that a picture is high: taller pages are cut.
TALLEST = 12000

GEOMETRY = """
(() => {
  const problems = [];
  const about = (node) => node.textContent.trim().slice(0, 40) + " in " +
    (node.closest("[id]")?.id || node.closest("figure")?.querySelector("figcaption")?.textContent || "?");
  const seen = (node) => node.checkVisibility({checkVisibilityCSS: true}) && node.getClientRects().length > 0;
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > width)
    problems.push(`the page is ${document.documentElement.scrollWidth} wide, the window ${width}`);
  const inBox = (node) => {
    const box = node.closest(".scroll");
    return box && getComputedStyle(box).overflowX === "auto";
  };
  for (const box of document.querySelectorAll(".scroll")) {
    if (!seen(box) || !inBox(box) || box.scrollWidth <= box.clientWidth) continue;
    if (getComputedStyle(box).backgroundImage === "none") problems.push(`nothing says that there is more: ${about(box)}`);
    box.scrollLeft = box.scrollWidth;
    const name = box.querySelector("tbody th")?.getBoundingClientRect();
    if (width < 600 && name && name.left < box.getBoundingClientRect().left - 1)
      problems.push(`numbers without their names: ${about(box)}`);
    box.scrollLeft = 0;
  }
  let labels = 0, cells = 0;
  for (const svg of document.querySelectorAll("svg")) {
    if (!seen(svg)) continue;
    const frame = svg.getBoundingClientRect();
    const texts = [...svg.querySelectorAll("text")].map((node) => [node, node.getBoundingClientRect()]);
    labels += texts.length;
    texts.forEach(([node, one], index) => {
      if (one.left < frame.left - 1 || one.right > frame.right + 1 || one.top < frame.top - 1 || one.bottom > frame.bottom + 1)
        problems.push(`clipped: ${about(node)}`);
      if (parseFloat(getComputedStyle(node).fontSize) * frame.width / svg.viewBox.baseVal.width < 9)
        problems.push(`too small to read: ${about(node)}`);
      for (const [other, two] of texts.slice(index + 1))
        if (one.left < two.right - .5 && two.left < one.right - .5 && one.top < two.bottom - .5 && two.top < one.bottom - .5)
          problems.push(`overlap: ${about(node)} and ${about(other)}`);
    });
  }
  for (const cell of document.querySelectorAll("th, td, caption")) {
    if (!seen(cell)) continue;
    cells += 1;
    const range = document.createRange();
    range.selectNodeContents(cell);
    const [box, held] = [cell.getBoundingClientRect(), range.getBoundingClientRect()];
    if (held.width && (held.left < box.left - 1 || held.right > box.right + 1 || held.bottom > box.bottom + 1))
      problems.push(`a cell does not hold: ${about(cell)}`);
    if (box.right > width + 1 && !inBox(cell)) problems.push(`beyond the edge: ${about(cell)}`);
  }
  for (const node of document.querySelectorAll("h1, h2, h3, p, li, figcaption, summary, label, svg.chart")) {
    if (!seen(node) || inBox(node)) continue;
    const box = node.getBoundingClientRect();
    if (box.left < -1 || box.right > width + 1) problems.push(`beyond the edge: ${about(node)}`);
    if (node.scrollWidth > node.clientWidth + 1 && node.clientWidth && node.tagName !== "svg")
      problems.push(`does not hold its words: ${about(node)}`);
  }
  return {problems: problems.slice(0, 20), labels, cells};
})()
"""

# Words that stand on two lines although they would fit on one.
BROKEN = """
((longest) => {
  const problems = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const parent = node.parentElement;
    if (parent.closest("svg, script, style") || !parent.checkVisibility() || !parent.getClientRects().length) continue;
    for (const found of node.textContent.matchAll(/\\S+/gu)) {
      if (found[0].length > longest || parent.closest(".l, details")) continue;
      // A sentence may break where words do: behind a hyphen or a slash.
      if (!parent.closest("tbody th, td.i, td:not(.w), data") && /[^\\p{L}\\p{N}.,:$%%@+()]/u.test(found[0])) continue;
      const range = document.createRange();
      range.setStart(node, found.index);
      range.setEnd(node, found.index + found[0].length);
      const tops = [...range.getClientRects()].filter((box) => box.width > 0).map((box) => Math.round(box.top));
      if (Math.max(...tops) - Math.min(...tops) > 3) problems.push(`broken: ${found[0]} in ${parent.closest("[id]")?.id}`);
    }
  }
  return problems.slice(0, 20);
})(%d)
""" % LONGEST_WORD

# The headings of sections and tables, and of the head of each table what stands on its last line, as paper has them.
TITLES = """
(() => {
  const seen = (node) => node.checkVisibility() && node.getClientRects().length > 0;
  const words = (node) => node.textContent.trim().replace(/\\s+/g, " ");
  const tables = [...document.querySelectorAll("table")].filter(seen).map((table) => ({
    head: words(table.tHead.rows[0].cells[0]),
    second: words(table.tHead.rows[0].cells[1]).split(" ").pop(),
    rows: [...table.tBodies[0].rows].map((row) => words(row.cells[0])),
  }));
  return {headings: [...document.querySelectorAll("h2, h3, figcaption, caption")].filter(seen).map(words), tables};
})()
"""

# What the script does for those who have one.
SCRIPT = """
(() => {
  const table = document.querySelector("table[id^=callers]");
  if (!table || table.tBodies[0].rows.length < 4) return [];
  const problems = [];
  const spend = () => [...table.tBodies[0].rows].map((row) => parseFloat(row.cells[1].querySelector("data").value));
  const button = table.tHead.rows[0].cells[1].querySelector("button");
  if (!button) return ["tables cannot be sorted"];
  button.click();
  button.click();
  if (spend().some((value, index, all) => index && all[index - 1] > value)) problems.push("it sorts wrongly");
  button.click();
  const filter = table.closest("details").querySelector("input");
  if (table.tBodies[0].rows.length > 15) {
    filter.value = table.tBodies[0].rows[3].cells[0].textContent;
    filter.dispatchEvent(new Event("input"));
    const shown = [...table.tBodies[0].rows].filter((row) => !row.hidden);
    if (!shown.length || shown.length === table.tBodies[0].rows.length) problems.push("it does not filter");
    filter.value = "";
    filter.dispatchEvent(new Event("input"));
  }
  return problems;
})()
"""

AXE = """
axe.run(document, {resultTypes: ["violations"], runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]})
  .then((found) => found.violations.map((one) =>
    ({id: one.id, impact: one.impact, help: one.help, nodes: one.nodes.slice(0, 3).map((node) => node.html.slice(0, 160))})))
"""


class Browser:
    """Chromium with one tab, spoken to over a pipe: requests on descriptor 3, answers on 4, each ended by a zero."""

    def __init__(self, program, profile):
        request, self.write = os.pipe()
        self.read, answer = os.pipe()

        flags = ["--headless=new", "--disable-gpu", "--hide-scrollbars", "--no-first-run", "--disable-background-networking"]
        if os.geteuid() == 0:
            flags.append("--no-sandbox")
        command = [program, *flags, "--remote-debugging-pipe", f"--user-data-dir={profile}", "about:blank"]
        self.process = subprocess.Popen(
            ["sh", "-c", f'exec "$@" 3<&{request} 4>&{answer}', "sh", *command],
            pass_fds=(request, answer), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        os.close(request)
        os.close(answer)
        self.last, self.rest, self.events, self.session = 0, b"", [], None
        targets = self.call("Target.getTargets")["targetInfos"]
        page = next(target["targetId"] for target in targets if target["type"] == "page")
        self.session = self.call("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def receive(self):
        while b"\0" not in self.rest:
            got = os.read(self.read, 1 << 20)
            if not got:
                raise SystemExit("chromium is gone")
            self.rest += got
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, **parameters):
        self.last += 1
        message = {"id": self.last, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.write, data):]
        while True:
            answer = self.receive()
            if answer.get("id") == self.last:
                if "error" in answer:
                    raise SystemExit(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def wait_for(self, event):
        while not any(seen.get("method") == event for seen in self.events):
            self.events.append(self.receive())

    def evaluate(self, script):
        found = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in found:
            raise SystemExit(f"a check failed to run: {found['exceptionDetails']}")
        return found["result"].get("value")

    def open(self, url, mode):
        self.call("Emulation.setDeviceMetricsOverride", width=mode["width"], height=900, deviceScaleFactor=1,
                  mobile=mode.get("mobile", False))
        self.call("Emulation.setEmulatedMedia", media=mode["media"], features=mode["features"])
        self.events.clear()
        self.call("Page.navigate", url=url)
        self.wait_for("Page.loadEventFired")

    def screenshot(self, path):
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], TALLEST), "scale": 1}
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)
        path.write_bytes(base64.b64decode(shot["data"]))

    def close(self):
        self.call("Browser.close")
        self.process.wait(timeout=20)


def noises(events, url):
    """What was logged, and what was asked for besides the page."""
    for event in events:
        method, parameters = event.get("method"), event.get("params", {})
        if method == "Runtime.consoleAPICalled":
            yield f"console: {parameters['args']}"
        elif method == "Runtime.exceptionThrown":
            yield f"exception: {parameters['exceptionDetails']}"
        elif method == "Log.entryAdded":
            yield f"log: {parameters['entry'].get('text')}"
        elif method == "Network.requestWillBeSent" and parameters["request"]["url"] != url:
            yield f"request: {parameters['request']['url'][:200]}"
        elif method == "Page.javascriptDialogOpening":
            yield f"dialog: {parameters['message']}"


def on_paper(browser, page, url, mode, out):
    """What is wrong with the page as it is printed: folded, because nobody unfolds paper."""
    browser.open(url, mode)
    problems = browser.evaluate(BROKEN)
    titles = browser.evaluate(TITLES)
    width, height, _ = PAPERS[mode["paper"]]
    pdf = browser.call("Page.printToPDF", printBackground=True, paperWidth=width, paperHeight=height,
                       marginTop=14 / 25.4, marginBottom=14 / 25.4, marginLeft=14 / 25.4, marginRight=14 / 25.4)
    path = out / f"{page.stem}-{mode['paper']}.pdf"
    path.write_bytes(base64.b64decode(pdf["data"]))
    text = subprocess.run(["pdftotext", "-layout", path, "-"], check=True, capture_output=True, text=True).stdout
    sheets = [[" ".join(line.split()) for line in sheet.splitlines() if line.strip()] for sheet in text.split("\f")]
    sheets = [sheet for sheet in sheets if sheet]
    headings = set(titles["headings"])
    for number, sheet in enumerate(sheets[:-1], 1):
        if sheet[-1] in headings:
            problems.append(f"page {number} ends with the heading {sheet[-1]}")
    if len(sheets) > 1 and len(sheets[-1]) < FEWEST_LINES:
        problems.append(f"the last page has nothing but {' '.join(sheets[-1])}")
    named = [words for table in titles["tables"] for words in table["rows"]]
    for table in titles["tables"]:
        # Names that occur once tell on which page a row stands.
        def where(words):
            found = [number for number, sheet in enumerate(sheets) if any(line.startswith(words + " ") for line in sheet)]
            return found[0] if len(found) == 1 and named.count(words) == 1 else None
        rows = [number for number in map(where, table["rows"]) if number is not None]
        for number in range(min(rows, default=0) + 1, max(rows, default=-1) + 1):
            heads = [line for line in sheets[number] if line.startswith(table["head"]) and table["second"] in line]
            if not heads:
                problems.append(f"page {number + 1} goes on with a table without its head: {table['head']}")
    return problems


def check(browser, page, name, mode, axe, out):
    url = page.resolve().as_uri()
    browser.open(url, mode)
    problems = []
    for state in ("", "-unfolded"):
        if state:
            browser.evaluate("for (const details of document.querySelectorAll('details')) details.open = true")
        found = browser.evaluate(GEOMETRY)
        problems += [f"{problem}{state}" for problem in found["problems"]]
        browser.screenshot(out / f"{page.stem}-{name}{state}.png")
    problems += browser.evaluate(SCRIPT)
    # While axe runs it looks at everything itself.
    problems += noises(browser.events, url)
    browser.evaluate(axe)
    serious = [one for one in browser.evaluate(AXE) if one["impact"] in ("serious", "critical")]
    problems += [f"axe {one['impact']}: {one['id']}: {one['help']}: {one['nodes']}" for one in serious]
    if mode["media"] == "print":
        problems += on_paper(browser, page, url, mode, out)
    print(f"{page.name} {name}: {found['labels']} labels, {found['cells']} cells, {len(problems)} problems")
    return [f"{page.name} {name}: {problem}" for problem in problems]


def main():
    program, axe, pages, out = sys.argv[1:]
    axe = pathlib.Path(axe).read_text(encoding="utf-8")
    out = pathlib.Path(out)
    out.mkdir(parents=True, exist_ok=True)
    found = sorted(pathlib.Path(pages).glob("*.html"))
    if not found:
        raise SystemExit(f"{pages} has no pages")
    problems = []
    with tempfile.TemporaryDirectory() as profile:
        browser = Browser(program, profile)
        for page in found:
            for name, mode in MODES.items():
                problems += check(browser, page, name, mode, axe, out)
        browser.close()
    for problem in problems:
        print(problem, file=sys.stderr)
    raise SystemExit(f"{len(problems)} problems" if problems else 0)


if __name__ == "__main__":
    main()
