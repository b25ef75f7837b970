// Graphs by themselves: what the types hold, and what they refuse.
import { loadGraphs, type Graph, type OnnxGraph } from "upnext/onnx";

const graphs = await loadGraphs();
const tower: OnnxGraph = graphs.onnx(new Uint8Array(), { name: "tower.onnx", output: "vector" });
const program: Graph = graphs.program(tower.compile("int8"));
const vector: Float32Array = program.run({ history: [1, 2], numbers: Float32Array.of(0.5) });
const rows: number[] = graphs.candidates(["a"], vector).slate(vector, { size: 3, diversity: 0, method: "dpp" });
rows.map((row) => row + 1);
for (const { name, width, ids } of tower.inputs) console.log(name, width + 1, ids ? "ids" : "floats");
tower.close();

// @ts-expect-error a program is bytes, no path
graphs.program("tower.program");
// @ts-expect-error there is no such precision
tower.compile("f8");
// @ts-expect-error inputs have names
tower.run([1, 2]);
// @ts-expect-error a program is compiled already
program.compile();
