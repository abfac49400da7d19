// SPDX-License-Identifier: MIT
// page.js - the pictures of a report, from RUNS (report.py); uPlot draws the lines
"use strict";

const BAND = {"kswapd": "#e3a008", "direct reclaim": "#e04848", "swap out": "#9b59d0", "swap in": "#3d8bd9",
	"kill": "#000"};
const LANE = 9; // pixels: the height of a band
const CELL = {reserved: "#5b6670", free: "#dfeaf2", kernel: "#2a9d8f", stack: "#1d6f66", slab: "#e9c46a",
	table: "#b565c9", anon: "#4caf50", file: "#3d6fd9", shmem: "#6fa8f0", swapcache: "#e05a47", nothing: "#fff",
	"?": "#f0f"};
const LINE = ["#1f6fb2", "#c0392b", "#27ae60", "#8e44ad", "#d68910", "#148f77", "#7f8c8d", "#2c3e50"];
const WIDTH = 980, HEIGHT = 260;
const SPAN = [Math.min(...RUNS.map(run => run.start)), Math.max(...RUNS.map(run => run.end))];
const CURSOR = {sync: {key: "time"}}; // a look at one picture shows the same moment in the others
const ALONE = location.hash.slice(1); // #NAME in the address: that picture alone, for a file of its own; #all: as they stand
const page = document.getElementById("page");

function element(tag, text, parent = page) {
	const e = document.createElement(tag);
	if (text) e.textContent = text;
	parent.append(e);
	return e;
}

function section(id, title, words) {
	const box = element("section");
	box.id = id;
	const head = element("h2", title, box);
	const save = element("a", "PNG", head);
	save.className = "save";
	save.href = "#";
	save.onclick = event => {
		event.preventDefault();
		const link = document.createElement("a");
		link.download = id + ".png";
		link.href = box.querySelector("canvas").toDataURL("image/png");
		link.click();
	};
	if (words) element("p", words, box);
	return box;
}

function key(box, colours) {
	const p = element("p", "", box);
	p.className = "key";
	for (const [name, colour] of Object.entries(colours)) {
		const span = element("span", "", p);
		element("i", "", span).style.background = colour;
		span.append(name);
	}
}

// [[x, value]...] of several lines, as uPlot wants them: one axis, a column for each line.
function joined(lines) {
	return uPlot.join(lines.map(points => [points.map(p => p[0]), points.map(p => p[1])]));
}

// The same over the whole time of all runs, so that what is below one another happened at the same time.
function timed(lines) {
	return joined([...lines, SPAN.map(t => [t, null])]).slice(0, -1);
}

// Each kind of band has a lane of its own above the lines, each run its lanes; a kill goes from top to bottom.
function bandsPlugin(bands, run) {
	const kinds = Object.keys(BAND);
	return {hooks: {drawClear: u => {
		const {left, top, width, height} = u.bbox, lane = LANE * devicePixelRatio;
		u.ctx.save();
		u.ctx.beginPath();
		u.ctx.rect(left, top, width, height);
		u.ctx.clip();
		for (const [kind, from, to] of bands) {
			const a = u.valToPos(from, "x", true), b = u.valToPos(to, "x", true), kill = kind === "kill";
			const y = top + (run * (kinds.length - 1) + kinds.indexOf(kind)) * lane;
			u.ctx.fillStyle = BAND[kind];
			u.ctx.fillRect(a, kill ? top : y, Math.max(b - a, kill ? 2 : 1), kill ? height : lane - 1);
		}
		u.ctx.restore();
	}}};
}

const LEGEND = {live: !ALONE}; // on a still picture there is no cursor that would have values

function plot(box, labels, lines, options = {}) {
	const series = [{label: "s"}, ...labels.map((label, i) => ({label, stroke: LINE[i % LINE.length], width: 1.5,
		spanGaps: true, points: {show: false}, ...(options.styles || [])[i]}))];
	return new uPlot({width: WIDTH, height: options.height || HEIGHT, series, cursor: CURSOR, scales: {x: {time: false}, y: options.scale || {}},
		axes: [{label: "seconds"}, {label: options.unit || "pages", size: 70, ...options.axis}], legend: LEGEND,
		plugins: options.plugins || []}, timed(lines), box);
}

function timeline() {
	const box = section("timeline", "Free memory against its watermarks",
		"Of the largest zone, and of all. Where that zone is below low, kswapd wakes; below min programs reclaim for " +
		"themselves; then one is killed. Above high the axis grows by powers.");
	key(box, BAND);
	if (RUNS.length > 1) element("p", `The lanes are those of ${RUNS.map(run => run.name).join(", below them those of ")}.`, box);
	const labels = [], lines = [], styles = [];
	RUNS.forEach((run, n) => {
		const tail = n ? ` (${run.name})` : "";
		const ends = run.series.free.length ? [run.series.free[0][0], run.series.free.at(-1)[0]] : [0, 1];
		labels.push("free in the zone" + tail, "free in all" + tail, "swap used" + tail);
		lines.push(run.series.largest, run.series.free, run.series["swap used"]);
		for (const stroke of [LINE[0], "#9cc3e6", LINE[3]]) styles.push({stroke, dash: n ? [6, 4] : []});
		["min", "low", "high"].forEach((mark, i) => {
			labels.push(mark + tail);
			lines.push(ends.map(t => [t, run.marks[i]]));
			styles.push({stroke: ["#c0392b", "#d68910", "#27ae60"][i], width: 1, dash: n ? [2, 2] : []});
		});
	});
	// Linear as far as the marks reach, then logarithmic: the marks are a hundredth of memory, and the story is there.
	const high = Math.max(...RUNS.map(run => run.marks[2]), 1);
	const most = Math.max(...lines.flat().map(p => p[1]), high);
	const ticks = [0, high];
	for (let t = 10 ** Math.ceil(Math.log10(high * 2)); t <= most * 2; t *= 10) ticks.push(...[t / 2, t].filter(v => v > high * 2));
	const lanes = RUNS.length * (Object.keys(BAND).length - 1) * LANE;
	const bend = v => Math.asinh(v / high);
	const height = HEIGHT + lanes - lanes / RUNS.length; // each further run has room of its own
	const room = (lanes + 8) / (height - 97); // of what is drawn
	plot(box, labels, lines, {styles, height, scale: {distr: 4, asinh: high,
		range: () => [0, high * Math.sinh(bend(most) / (1 - room))]},
		axis: {splits: () => ticks.filter((v, i) => v <= most * 1.1 && ticks.indexOf(v) === i), filter: (u, at) => at,
			values: (u, at) => at.map(v => v.toLocaleString("en"))},
		plugins: RUNS.map((run, n) => bandsPlugin(run.bands, n))});
}

function map(run, n) {
	const box = section("map" + (n || ""), "The frames over time" + (n ? `: ${run.name}` : ""),
		`From left to right the run, from top to bottom memory; a cell is ${run.map.frames} frames.`);
	const used = new Set(run.map.cells.join(""));
	const colours = {};
	for (const c of used) colours[CELL_KINDS[parseInt(c, 16)]] = CELL[CELL_KINDS[parseInt(c, 16)]];
	key(box, colours);
	const {at, cells, frames} = run.map, rows = cells.length ? cells[0].length : 1;
	const most = rows * frames * 4 / 1024;
	const draw = u => {
		const {left, top, width, height} = u.bbox, h = height / rows;
		cells.forEach((column, i) => {
			const a = u.valToPos(at[i], "x", true), b = u.valToPos(i + 1 < at.length ? at[i + 1] : run.end, "x", true);
			for (let y = 0, to; y < rows; y = to) { // a stretch of one colour at a time
				for (to = y + 1; to < rows && column[to] === column[y];) to++;
				u.ctx.fillStyle = CELL[CELL_KINDS[parseInt(column[y], 16)]];
				u.ctx.fillRect(Math.max(a, left), top + y * h, Math.min(b, left + width) - Math.max(a, left) + .5, (to - y) * h + .5);
			}
		});
	};
	new uPlot({width: WIDTH, height: HEIGHT + 40, series: [{}, {}], legend: {show: false}, cursor: CURSOR,
		scales: {x: {time: false}, y: {dir: -1, range: () => [0, most]}}, hooks: {drawClear: [draw]},
		axes: [{label: "seconds", grid: {show: false}}, {label: "MiB", size: 70, grid: {show: false}}]},
	[SPAN, [null, null]], box);
}

function orders() {
	const box = section("orders", "Fragmentation: free memory by the size of its blocks",
		"Frames in blocks of 2^order frames; where the large ones are gone, large allocations fail though memory is free.");
	const groups = [["order 0", 0, 0], ["1 to 3", 1, 3], ["4 to 6", 4, 6], ["7 to 10", 7, 10]];
	const labels = [], lines = [], styles = [];
	RUNS.forEach((run, n) => groups.forEach(([name, from, to], i) => {
		labels.push(name + (n ? ` (${run.name})` : ""));
		lines.push(run.orders.map(([t, frames]) => [t, frames.slice(from, to + 1).reduce((a, b) => a + b, 0)]));
		styles.push({stroke: LINE[i], dash: n ? [6, 4] : []});
	}));
	plot(box, labels, lines, {styles, unit: "frames"});
}

function duration(ns) {
	const [unit, name] = ns < 1e3 ? [1, "ns"] : ns < 1e6 ? [1e3, "µs"] : ns < 1e9 ? [1e6, "ms"] : [1e9, "s"];
	return (ns / unit).toFixed(ns / unit < 10 ? 1 : 0) + " " + name;
}

function latency() {
	const box = section("latency", "How long faults took", "Of one fault in 64, by the kind that mm/fault.c gives it; both axes grow by powers.");
	const labels = [], lines = [], styles = [];
	RUNS.forEach((run, n) => Object.entries(run.latency.kinds).forEach(([kind, counts], i) => {
		labels.push(kind + (n ? ` (${run.name})` : ""));
		lines.push(run.latency.buckets.map((bucket, k) => [bucket, counts[k] ? Math.log10(counts[k]) : null]));
		styles.push({stroke: LINE[i], dash: n ? [6, 4] : [], points: {show: true}});
	}));
	const series = [{label: "2^n ns"}, ...labels.map((label, i) => ({label, width: 1.5, ...styles[i],
		value: (u, v) => v == null ? "" : Math.round(10 ** v)}))];
	new uPlot({width: WIDTH, height: HEIGHT, series, legend: LEGEND,
		scales: {x: {time: false}, y: {range: (u, min, max) => [-.2, max + .2]}}, axes: [
		{label: "took so long, and up to twice as long", values: (u, at) => at.map(n => n % 1 ? "" : duration(2 ** n))},
		{label: "faults", size: 70, values: (u, ticks) => ticks.map(v => v % 1 ? "" : Math.round(10 ** v))}]},
		joined(lines), box);
}

// A figure of a process is sent when it has changed: until then it is what it was.
const STEPS = uPlot.paths.stepped({align: 1});

function tasks() {
	const box = section("tasks", "The largest processes", "Solid: resident; dashed: in swap.");
	const labels = [], lines = [], styles = [];
	RUNS.forEach((run, n) => run.tasks.forEach((task, i) => {
		const name = `${task.name} ${task.pid}` + (n ? ` (${run.name})` : "");
		const add = (label, column, style) => {
			labels.push(label);
			lines.push(task.points.map(p => [p[0], p[column]]));
			styles.push({stroke: LINE[(i + 2 * n) % 8], paths: STEPS, ...style});
		};
		add(name, 1, {});
		if (task.points.some(p => p[2])) add(name + " swap", 2, {dash: [5, 4]});
	}));
	plot(box, labels, lines, {styles});
}

function kills() {
	const box = element("section");
	box.id = "kills";
	element("h2", "Out of memory, explained", box);
	let none = true;
	RUNS.forEach(run => run.kills.forEach(kill => {
		none = false;
		element("h3", `${run.name}, ${kill.at.toFixed(2)} s`, box);
		kill.story.forEach(line => element("p", line, box));
		if (kill.log.length) element("pre", kill.log.join("\n"), box);
		else element("p", "The kernel's own report went to its log only: the console was told to be quiet.", box);
	}));
	if (none) element("p", "Nobody was killed.", box);
}

document.getElementById("summary").textContent = RUNS.map(run =>
	`${run.name}: ${run.records} records, ${run.lost} lost, ${run.kills.length} killed`).join("; ");
timeline();
RUNS.forEach(map);
orders();
latency();
tasks();
kills();
if (ALONE) {
	for (const e of document.querySelectorAll(ALONE === "all" ? ".save" : "section, h1, #summary, .save"))
		if (e.id !== ALONE) e.remove();
}
// Later, because the lines are drawn later.
setTimeout(() => {
	for (const e of document.querySelectorAll("section"))
		e.dataset.height = Math.ceil(e.getBoundingClientRect().height);
	document.body.dataset.ready = "yes";
});
