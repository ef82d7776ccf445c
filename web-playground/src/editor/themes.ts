import type { editor } from 'monaco-editor';

/** GraphiQL's own themes, with comments and line numbers that can be read. */
export const THEMES = { light: 'lyceum-light', dark: 'lyceum-dark' };

const TRANSPARENT = '#00000000';

export function defineThemes({ defineTheme }: typeof editor): void {
  defineTheme(
    THEMES.light,
    theme('vs', { argument: '#5a57bd', quiet: '#566078', comment: '#00700c', number: '#076b46' }),
  );
  defineTheme(
    THEMES.dark,
    theme('vs-dark', { argument: '#908aff', quiet: '#aab6cc', comment: '#8fc27a', number: '#b5cea8' }),
  );
}

interface Colours {
  argument: string;
  quiet: string;
  comment: string;
  number: string;
}

function theme(
  base: 'vs' | 'vs-dark',
  { argument, quiet, comment, number }: Colours,
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
      { token: 'number', foreground: number },
    ],
  };
}
