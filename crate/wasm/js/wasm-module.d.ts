// How edge platforms and their bundlers hand over a `.wasm` file.
declare module "#compact-wasm" {
  const module: WebAssembly.Module;
  export default module;
}
