declare module 'monaco-editor/esm/vs/editor/editor.worker.js' {
  export function initialize<Context, Data>(create: (context: Context, data: Data) => object): void;
}
