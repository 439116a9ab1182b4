// SPDX-License-Identifier: MIT
// parse.mjs FILE...: read flowcharts as GitHub does.  Prints a list: {"error": TEXT}, or the texts of
// its boxes and frames by id, their classes, and the classes that are defined.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(process.cwd() + "/");
const load = (name) => import(pathToFileURL(require.resolve(name)));
const { JSDOM } = await load("jsdom");
const { window } = new JSDOM("");
globalThis.window = window;
globalThis.document = window.document;
const { default: mermaid } = await load("mermaid");

// What mermaid keeps of its entities until it draws, as HTML has them.
function lines(label) {
	const html = label.replace(/ﬂ°°/g, "&#").replace(/ﬂ°/g, "&").replace(/¶ß/g, ";");
	return html.split(/<br\s*\/?>/).map((line) => {
		const element = document.createElement("div");
		element.innerHTML = line;
		return element.textContent;
	});
}

async function read(file) {
	try {
		const text = readFileSync(file, "utf8");
		await mermaid.parse(text);
		const diagram = await mermaid.mermaidAPI.getDiagramFromText(text);
		const { nodes, edges } = diagram.db.getData();
		return {
			texts: Object.fromEntries(nodes.map((n) => [n.id, lines(n.label ?? "")])),
			classes: Object.fromEntries(nodes.map((n) => [n.id, n.cssClasses ?? ""])),
			defined: [...diagram.db.getClasses().keys()],
			edges: edges.length,
		};
	} catch (e) {
		return { error: String(e) };
	}
}

const all = [];
for (const file of process.argv.slice(2))
	all.push(await read(file));
process.stdout.write(JSON.stringify(all));
