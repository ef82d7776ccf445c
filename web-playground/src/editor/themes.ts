import type { editor } from 'monaco-editor';

/** GraphiQL's themes, with enough contrast for comments and line numbers. */
export const THEMES = { light: 'lyceum-light', dark: 'lyceum-dark' };

const TRANSPARENT = '#00000000';

export function defineThemes({ defineTheme }: typeof editor): void {
  defineTheme(
    THEMES.light,
    theme('vs', {
      argument: '#5a57bd',
      quiet: '#566078',
      comment: '#00700c',
      number: '#076b46',
      wrong: '#b3261e',
      surface: '#ffffff',
      selected: '#e6e4fb',
      text: '#2f3b52',
      match: '#3d35a0',
      brackets: ['#0431fa', '#1e7a3c', '#7b3814'],
      key: '#8a1c1c',
      string: '#0b4fa8',
    }),
  );
  defineTheme(
    THEMES.dark,
    theme('vs-dark', {
      argument: '#908aff',
      quiet: '#aab6cc',
      comment: '#8fc27a',
      number: '#b5cea8',
      wrong: '#ff9d94',
      surface: '#212a3b',
      selected: '#3d3a6e',
      text: '#dfe5f0',
      match: '#c9c5ff',
      brackets: ['#ffd700', '#da70d6', '#4db2ff'],
      key: '#9cdcfe',
      string: '#e2a98f',
    }),
  );
}

interface Colours {
  argument: string;
  quiet: string;
  comment: string;
  number: string;
  /** An unmatched bracket. */
  wrong: string;
  /** Of the completion list, and its selected row. */
  surface: string;
  selected: string;
  text: string;
  /** The letters that match what was typed. */
  match: string;
  /** By how deep they are nested. */
  brackets: [string, string, string];
  /** Of JSON. */
  key: string;
  string: string;
}

function theme(
  base: 'vs' | 'vs-dark',
  { argument, quiet, comment, number, wrong, surface, selected, text, match, brackets, key, string }: Colours,
): editor.IStandaloneThemeData {
  return {
    base,
    inherit: true,
    colors: {
      'editor.background': TRANSPARENT,
      'scrollbar.shadow': TRANSPARENT,
      'editorLineNumber.foreground': quiet,
      'editorBracketHighlight.unexpectedBracket.foreground': wrong,
      'editorBracketHighlight.foreground1': brackets[0],
      'editorBracketHighlight.foreground2': brackets[1],
      'editorBracketHighlight.foreground3': brackets[2],
      'editorSuggestWidget.background': surface,
      'editorSuggestWidget.foreground': text,
      'editorSuggestWidget.selectedBackground': selected,
      'editorSuggestWidget.selectedForeground': text,
      'editorSuggestWidget.selectedIconForeground': text,
      'editorSuggestWidget.highlightForeground': match,
      'editorSuggestWidget.focusHighlightForeground': match,
      'editorHoverWidget.background': surface,
      'editorHoverWidget.foreground': text,
      'editorWidget.background': surface,
      'editorWidget.foreground': text,
      'list.hoverBackground': selected,
      'list.hoverForeground': text,
      'list.highlightForeground': match,
      'list.focusHighlightForeground': match,
    },
    rules: [
      { token: 'argument.identifier.gql', foreground: argument },
      { token: 'comment', foreground: comment },
      { token: 'number', foreground: number },
      { token: 'string.key.json', foreground: key },
      { token: 'string.value.json', foreground: string },
      { token: 'string.gql', foreground: string },
    ],
  };
}
