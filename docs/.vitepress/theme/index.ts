import type { Theme } from 'vitepress';
import DefaultTheme from 'vitepress/theme';
import ConfigBuilder from './ConfigBuilder.vue';
import ErrorReader from './ErrorReader.vue';
import Picture from './Picture.vue';
import './style.css';

export default {
  extends: DefaultTheme,
  enhanceApp({ app }) {
    app.component('ConfigBuilder', ConfigBuilder);
    app.component('ErrorReader', ErrorReader);
    app.component('Picture', Picture);
  },
} satisfies Theme;

declare module 'vue' {
  interface GlobalComponents {
    ConfigBuilder: typeof ConfigBuilder;
    ErrorReader: typeof ErrorReader;
    Picture: typeof Picture;
  }
}
