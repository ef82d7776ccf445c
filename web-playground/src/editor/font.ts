/** The font of all editors: the system's, so that none has to be loaded. */
export const EDITOR_FONT = {
  fontFamily: 'ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace',
  fontSize: 13,
};
