// In place of Monaco's diff editors, which its API mentions and the page never shows.
export class DiffEditorWidget {}
export class MultiDiffEditorWidget {}
