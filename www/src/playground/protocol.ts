// What page and worker say to each other: one question, one answer.
import type { GraphInput } from "upnext/onnx";
import type { Values } from "./inputs.js";

/** A tower, as far as it can be told without candidates. */
export interface TowerInfo {
  inputs: readonly GraphInput[];
  outputWidth: number;
  /** Milliseconds from bytes to a graph that runs. */
  readMs: number;
}
/** A compact program, of the tower or given beside it. */
export interface ProgramInfo extends TowerInfo {
  bytes: number;
  /** Milliseconds that the compiler took; absent where the program was given. */
  compileMs?: number;
}
/** Why there is no program. */
export interface Refused {
  code: string;
  message: string;
}

/** A slate, as rows of the candidates. */
export interface RankedRows {
  rows: number[];
  scores: number[];
  /** Largest difference of the two engines' vectors; absent where one engine runs. */
  apart: number | undefined;
  /** Largest difference of each engine's vector to the expected one. */
  fromExpected: { tract?: number; compact?: number };
  /** Whether both engines give the same rows. */
  same: boolean | undefined;
}

/** Microseconds, median of blocks; absent where that engine does not run. */
export interface Stage {
  name: string;
  compact: number | undefined;
  tract: number | undefined;
}

/** How a slate is asked for. */
export interface Wish {
  values: Values;
  size: number;
  diversity: number;
  expected: number[] | undefined;
}

/** Questions by their names, with their answers. */
export interface Questions {
  tower(file: { name: string; bytes: Uint8Array; output: string | undefined }): { tower: TowerInfo; program: ProgramInfo | Refused };
  /** Of the program that was compiled; another one where `bytes` are given. */
  program(file: { bytes: Uint8Array }): ProgramInfo;
  candidates(table: { ids: string[]; vectors: Float32Array }): { width: number };
  rank(wish: Wish): RankedRows;
  time(wish: Wish): Stage[];
  /** The bytes of the program that runs. */
  compiled(_: null): Uint8Array;
}

/** A question on its way. */
export interface Asked<Name extends keyof Questions = keyof Questions> {
  id: number;
  name: Name;
  argument: Parameters<Questions[Name]>[0];
}
/** An answer, or what went wrong. */
export type Answered = { id: number; answer: unknown } | { id: number; error: { code: string; message: string } };
