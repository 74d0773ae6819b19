import DefaultTheme from 'vitepress/theme';
import ConfigBuilder from './ConfigBuilder.vue';
import Picture from './Picture.vue';
import './style.css';

export default {
  extends: DefaultTheme,
  enhanceApp({ app }: { app: { component(name: string, component: unknown): void } }) {
    app.component('ConfigBuilder', ConfigBuilder);
    app.component('Picture', Picture);
  },
};
