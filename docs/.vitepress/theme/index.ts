import DefaultTheme from 'vitepress/theme';
import ConfigBuilder from './ConfigBuilder.vue';
import './style.css';

export default {
  extends: DefaultTheme,
  enhanceApp({ app }: { app: { component(name: string, component: unknown): void } }) {
    app.component('ConfigBuilder', ConfigBuilder);
  },
};
