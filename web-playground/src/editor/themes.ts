import type { editor } from 'monaco-editor';

/** GraphiQL's own themes, with comments and line numbers that can be read. */
export const THEMES = { light: 'lyceum-light', dark: 'lyceum-dark' };

const TRANSPARENT = '#00000000';

export function defineThemes({ defineTheme }: typeof editor): void {
  defineTheme(THEMES.light, theme('vs', '#6c69ce', '#566078', '#00700c'));
  defineTheme(THEMES.dark, theme('vs-dark', '#908aff', '#aab6cc', '#8fc27a'));
}

function theme(
  base: 'vs' | 'vs-dark',
  argument: string,
  quiet: string,
  comment: string,
): editor.IStandaloneThemeData {
  return {
    base,
    inherit: true,
    colors: {
      'editor.background': TRANSPARENT,
      'scrollbar.shadow': TRANSPARENT,
      'editorLineNumber.foreground': quiet,
    },
    rules: [
      { token: 'argument.identifier.gql', foreground: argument },
      { token: 'comment', foreground: comment },
    ],
  };
}
